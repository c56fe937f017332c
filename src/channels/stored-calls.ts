import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { contentOfJob, readContent, writeContent, type CallContent } from './call-content.ts';
import type { ChannelRow } from './channel.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';

/** A call that was sent, or was about to be, and is not answered. */
export type StoredCall = CallContent & {
  readonly jobId: string;
  /** The idempotency key that belongs to this content and to no other. */
  readonly messageId: string;
};

/** Keeps a call before it is sent: whatever happens then, it is repeated as it is. */
export async function storeCall(tx: Tx, channel: ChannelRow, call: StoredCall): Promise<void> {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  await tx
    .insertInto('stored_call')
    .values({
      merchant_id: merchantId,
      channel_id: channelId,
      job_id: call.jobId,
      message_id: call.messageId,
      content: writeContent(call),
    })
    // One that was made to somebody else means nothing any more.
    .onConflict((conflict) =>
      conflict.columns(['merchant_id', 'channel_id', 'job_id']).doUpdateSet({
        message_id: (row) => row.ref('excluded.message_id'),
        content: (row) => row.ref('excluded.content'),
      }),
    )
    .execute();
}

/** The stored calls of jobs, by job id. */
export async function readStoredCalls(
  db: Db,
  channel: ChannelRow,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, StoredCall>> {
  const { rows } = await sql<{ job_id: string; message_id: string; content: unknown }>`
    select job_id, message_id, content from stored_call
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
      and job_id = any (${[...jobIds]}::uuid[])`.execute(db);
  return new Map(
    rows.map(({ job_id: jobId, message_id: messageId, content }) => [
      jobId,
      // A job that took another's place has its own id in the row and the other's in the content.
      { ...contentOfJob(readContent(content), jobId), jobId, messageId },
    ]),
  );
}

/** Forgets calls that were answered, or that are given up: what follows has another key. */
export async function dropStoredCalls(
  tx: Tx,
  channel: ChannelRow,
  jobIds: readonly string[],
): Promise<void> {
  if (jobIds.length === 0) return;
  await sql`
    delete from stored_call
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
      and job_id = any (${[...jobIds]}::uuid[])`.execute(tx);
}

/**
 * Jobs that carry something and are not there any more: the job table was emptied. They are made
 * anew under their own ids, so that a call is repeated before anything newer goes out.
 * @param working jobs that are in flight in this process
 */
export async function lostCarriers(
  tx: Tx,
  channel: ChannelRow,
  working: readonly string[],
): Promise<readonly DeliveryJob[]> {
  const { merchant_id: merchantId, channel_id: channelId, queue } = channel;
  const { rows } = await sql<{ job_id: string; content: unknown }>`
    select c.job_id, c.content from (
      select job_id, content from stored_call
      where merchant_id = ${merchantId} and channel_id = ${channelId}
      union all
      select job_id, content from accepted_operation
      where merchant_id = ${merchantId} and channel_id = ${channelId}) c
    where not listing_has_job(${queue}, c.job_id, ${[...working]}::uuid[])`.execute(tx);
  return jobsOfRows(
    rows.flatMap(({ job_id: jobId, content }) =>
      readContent(content).steps.map(({ settlement: { sku, storeId } }) => {
        return { merchantId, channelId, queue, jobId, sku, storeId };
      }),
    ),
    true,
  );
}

/** Gives what jobs carry (stored calls, accepted operations) to the jobs that take their place. */
export async function moveCarried(
  tx: Tx,
  channel: ChannelRow,
  nextIds: ReadonlyMap<string, string>,
): Promise<void> {
  for (const table of ['stored_call', 'accepted_operation'] as const) {
    await sql`
      update ${sql.table(table)} t set job_id = u.next
      from unnest(${[...nextIds.keys()]}::uuid[], ${[...nextIds.values()]}::uuid[])
        as u(job_id, next)
      where t.merchant_id = ${channel.merchant_id} and t.channel_id = ${channel.channel_id}
        and t.job_id = u.job_id`.execute(tx);
  }
}

/** Forgets everything that jobs of a channel carry. */
export async function dropCarried(tx: Tx, merchantId: string, channelId: string): Promise<void> {
  for (const table of ['stored_call', 'accepted_operation'] as const) {
    await tx
      .deleteFrom(table)
      .where('merchant_id', '=', merchantId)
      .where('channel_id', '=', channelId)
      .execute();
  }
}
