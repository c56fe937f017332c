import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { contentOfJob, readContent, writeContent, type CallContent } from './call-content.ts';
import type { ChannelRow } from './channel.ts';

/** What a channel has taken and will apply later: its job asks for it until it is known. */
export type AcceptedOperation = CallContent & {
  readonly jobId: string;
  /** The channel's name for it. */
  readonly operation: string;
};

export type KnownOperation = AcceptedOperation & {
  /** How often it was asked for. */
  readonly polls: number;
  /** By the database's clock. */
  readonly ageMs: number;
};

/** Keeps operations until the channel says what became of them. */
export async function keepOperations(
  tx: Tx,
  channel: ChannelRow,
  operations: readonly AcceptedOperation[],
): Promise<void> {
  if (operations.length === 0) return;
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  await tx
    .insertInto('accepted_operation')
    .values(
      operations.map((accepted) => ({
        merchant_id: merchantId,
        channel_id: channelId,
        job_id: accepted.jobId,
        operation: accepted.operation,
        content: writeContent(accepted),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['merchant_id', 'channel_id', 'job_id', 'operation'])
        .doUpdateSet({ content: (row) => row.ref('excluded.content') }),
    )
    .execute();
}

/** The operations that jobs ask for, by job id, oldest first. */
export async function readOperations(
  db: Db,
  channel: ChannelRow,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, readonly KnownOperation[]>> {
  const { rows } = await sql<{
    job_id: string;
    operation: string;
    content: unknown;
    polls: number;
    age_ms: number;
  }>`
    select job_id, operation, content, polls,
      (extract(epoch from clock_timestamp() - accepted_at) * 1000)::double precision as age_ms
    from accepted_operation
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
      and job_id = any (${[...jobIds]}::uuid[])
    order by accepted_at, operation`.execute(db);
  return Map.groupBy(
    rows.map((row) => ({
      ...contentOfJob(readContent(row.content), row.job_id),
      jobId: row.job_id,
      operation: row.operation,
      polls: row.polls,
      ageMs: row.age_ms,
    })),
    ({ jobId }) => jobId,
  );
}

/** Forgets operations whose outcome is known, or that are given up. */
export async function dropOperations(
  tx: Tx,
  channel: ChannelRow,
  operations: readonly Pick<AcceptedOperation, 'jobId' | 'operation'>[],
): Promise<void> {
  if (operations.length === 0) return;
  await sql`
    delete from accepted_operation a
    using unnest(${operations.map(({ jobId }) => jobId)}::uuid[],
      ${operations.map(({ operation }) => operation)}::text[]) as u(job_id, operation)
    where a.merchant_id = ${channel.merchant_id} and a.channel_id = ${channel.channel_id}
      and a.job_id = u.job_id and a.operation = u.operation`.execute(tx);
}

/** Notes that a job asked once more for what it waits for. */
export async function countPoll(
  tx: Tx,
  channel: ChannelRow,
  operations: readonly Pick<AcceptedOperation, 'jobId' | 'operation'>[],
): Promise<void> {
  if (operations.length === 0) return;
  await sql`
    update accepted_operation a set polls = polls + 1
    from unnest(${operations.map(({ jobId }) => jobId)}::uuid[],
      ${operations.map(({ operation }) => operation)}::text[]) as u(job_id, operation)
    where a.merchant_id = ${channel.merchant_id} and a.channel_id = ${channel.channel_id}
      and a.job_id = u.job_id and a.operation = u.operation`.execute(tx);
}
