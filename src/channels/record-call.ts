import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { numberArray, plannedOnce, textArray, timeArray, type Tx } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';
import { bySkuAndStore } from './move-listings.ts';
import type { Settlement } from './plan-call.ts';
import type { AttemptOutcome, DeliveryStatus } from './tables.ts';

/** One attempt of one delivery, as it is written down. */
export type AttemptRecord = {
  readonly deliveryId: string;
  readonly jobId: string;
  readonly messageId: string | null;
  readonly status: DeliveryStatus;
  readonly listings: number;
  /** Of a dead letter: how many listings it stands for. */
  readonly openListings: number;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly outcome: AttemptOutcome;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly lagMs: number | null;
  readonly durationMs: number;
};

/** A listing's settlement, or the dead letter that it falls to. */
export type SettledListing = Settlement & {
  readonly deadDelivery: string | null;
  /** When the channel was told; null: it was not, or did not take it. */
  readonly toldAt: Date | null;
  /** Of a dead letter: the figure that the channel may have taken all the same. */
  readonly unanswered: number | null;
};

export type Recorded = {
  /** For listings that are due again; to insert in the same transaction. */
  readonly jobs: readonly DeliveryJob[];
  /** Dead jobs whose copies in the dead-letter queue are of no use any more. */
  readonly supersededJobIds: readonly string[];
  /** Drifts whose listings show ours now. */
  readonly settledDriftIds: readonly string[];
  /** How many listings fell to each dead letter. */
  readonly openListings: ReadonlyMap<string, number>;
};

type RecordedRow = {
  kind: 'more' | 'dead' | 'superseded' | 'drift';
  job_id: string;
  sku: string | null;
  location_id: string | null;
  drift_id: string | null;
};

/**
 * Writes down where listings stand after calls, as long as they still belong to the calls' jobs. A
 * listing that changed meanwhile goes to a new job at once: between the relay, which sees that the
 * listing has a job, and the job, which ends, nothing falls through.
 * @param readAt when the figures that were sent had been read
 * @param maxBatch the most listings of a job that goes on with what is due again
 */
export async function recordListings(
  tx: Tx,
  channel: ChannelRow,
  readAt: Date,
  settled: readonly SettledListing[],
  maxBatch: number,
): Promise<Recorded> {
  if (settled.length === 0) {
    return { jobs: [], supersededJobIds: [], settledDriftIds: [], openListings: new Map() };
  }
  const rows = settled.toSorted(bySkuAndStore);
  // Where all are null the array is: `unnest` fills it up.
  const given =
    <T>(literal: (values: readonly T[]) => string) =>
    (column: (row: SettledListing) => T) => {
      const values = rows.map(column);
      return values.some((value) => value !== null) ? literal(values) : null;
    };
  const [texts, numbers, times] = [given(textArray), given(numberArray), given(timeArray)];
  const nextIds = Array.from({ length: Math.ceil(rows.length / maxBatch) }, () => randomUUID());
  const result = await sql<RecordedRow>`${sql.raw(plannedOnce)}
    select * from listing_record(${channel.merchant_id}, ${channel.channel_id}, ${readAt},
      ${texts((row) => row.jobId)}::uuid[], ${texts((row) => row.sku)}::text[],
      ${texts((row) => row.storeId)}::text[], ${numbers((row) => row.version)}::bigint[],
      ${numbers((row) => row.quantity)}::integer[], ${numbers((row) => row.onHand)}::integer[],
      ${texts((row) => row.nonce)}::text[], ${texts((row) => String(row.more))}::boolean[],
      ${texts((row) => row.deadDelivery)}::text[],
      ${nextIds}::uuid[], ${numbers((row) => row.rules)}::integer[],
      ${times((row) => row.toldAt)}::timestamptz[],
      ${numbers((row) => row.unanswered)}::integer[], ${maxBatch}::integer)`.execute(tx);
  const owner = {
    merchantId: channel.merchant_id,
    channelId: channel.channel_id,
    queue: channel.queue,
  };
  return {
    openListings: countOpen(rows, result.rows),
    jobs: jobsOfRows(
      result.rows.flatMap(({ kind, job_id: jobId, sku, location_id: storeId }) =>
        kind === 'more' && sku !== null && storeId !== null
          ? [{ ...owner, jobId, sku, storeId }]
          : [],
      ),
    ),
    supersededJobIds: result.rows.flatMap((row) => (row.kind === 'superseded' ? row.job_id : [])),
    settledDriftIds: result.rows.flatMap(({ drift_id: driftId }) => driftId ?? []),
  };
}

/** How many listings fell to each dead letter. */
function countOpen(
  settled: readonly SettledListing[],
  recorded: readonly RecordedRow[],
): ReadonlyMap<string, number> {
  const open = new Map<string, number>();
  if (recorded.every(({ kind }) => kind !== 'dead')) return open;
  const letters = new Map(
    settled.map((row) => [listingOf(row.jobId, row.sku, row.storeId), row.deadDelivery]),
  );
  for (const { kind, job_id: jobId, sku, location_id: storeId } of recorded) {
    const letter = kind === 'dead' ? letters.get(listingOf(jobId, sku, storeId)) : undefined;
    if (letter) open.set(letter, (open.get(letter) ?? 0) + 1);
  }
  return open;
}

function listingOf(...names: readonly (string | null)[]): string {
  return names.join('\u0000');
}

/**
 * Attempts as they are written down, by what was recorded of their listings. A dead letter stands
 * for those that are dead: where there are none, because they are gone or somebody else's by now,
 * it is `superseded`.
 */
export function attemptsAfter(
  attempts: readonly AttemptRecord[],
  { openListings }: Pick<Recorded, 'openListings'>,
): readonly AttemptRecord[] {
  return attempts.map((attempt) => {
    if (attempt.status !== 'dead') return attempt;
    const open = openListings.get(attempt.deliveryId) ?? 0;
    return { ...attempt, openListings: open, status: open === 0 ? 'superseded' : 'dead' };
  });
}

/**
 * Writes down attempts, and with each where its delivery stands now. Of a channel that is gone
 * nothing is written.
 */
export async function recordAttempts(
  tx: Tx,
  merchantId: string,
  channelId: string,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  if (attempts.length === 0) return;
  const column = <K extends keyof AttemptRecord>(name: K): AttemptRecord[K][] =>
    attempts.map((attempt) => attempt[name]);
  await sql`${sql.raw(plannedOnce)}
    with input as (
      select * from unnest(${column('deliveryId')}::text[], ${column('jobId')}::uuid[],
        ${column('messageId')}::text[], ${column('status')}::text[],
        ${column('listings')}::integer[], ${column('openListings')}::integer[],
        ${column('attempt')}::integer[], ${column('startedAt')}::timestamptz[],
        ${column('outcome')}::text[], ${column('httpStatus')}::smallint[],
        ${column('errorCode')}::text[], ${column('lagMs')}::integer[],
        ${column('durationMs')}::integer[])
        as u(delivery_id, job_id, message_id, status, listings, open_listings, attempt, started_at,
          outcome, http_status, error_code, lag_ms, duration_ms)
      -- After the listings: who deletes the channel waits for them, and then sees what this wrote.
      where exists (
        select from channel c
        where c.merchant_id = ${merchantId} and c.channel_id = ${channelId})
    ), deliveries as (
      insert into delivery (merchant_id, delivery_id, channel_id, job_id, message_id, status,
        listings, open_listings, created_at, updated_at)
      select ${merchantId}, delivery_id, ${channelId}, job_id, message_id, status, listings,
        open_listings, clock_timestamp(), clock_timestamp() from input
      on conflict (merchant_id, delivery_id) do update
        set job_id = excluded.job_id, status = excluded.status,
            message_id = coalesce(excluded.message_id, delivery.message_id),
            listings = excluded.listings, open_listings = excluded.open_listings,
            updated_at = excluded.updated_at
    )
    insert into delivery_attempt (merchant_id, delivery_id, attempt, started_at, outcome,
      http_status, error_code, lag_ms, duration_ms)
    select ${merchantId}, delivery_id, attempt, started_at, outcome, http_status, error_code,
      lag_ms, duration_ms from input
    on conflict do nothing`.execute(tx);
}

/** Deliveries that had failed, and whose listings meanwhile went out otherwise. */
export async function recordSuperseded(
  tx: Tx,
  merchantId: string,
  deliveryIds: readonly string[],
): Promise<void> {
  if (deliveryIds.length === 0) return;
  await sql`
    update delivery set status = 'superseded', updated_at = clock_timestamp()
    where merchant_id = ${merchantId} and delivery_id = any (${[...deliveryIds]}::text[])
      and status = 'retrying'`.execute(tx);
}
