import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { jobsOfRows, type DeliveryJob, type ListingKey } from './delivery-job.ts';
import type { ChannelRow } from './channel.ts';

export type SweptPage = {
  /** To insert in the same transaction. */
  readonly jobs: readonly DeliveryJob[];
  /** The last level looked at, or undefined at the end. */
  readonly next: ListingKey | undefined;
};

/**
 * Looks at one page of the merchant's levels and queues for the channel what it was not told and
 * nobody works on. It compares levels with listings and trusts no queue, so a job table emptied by
 * hand loses nothing; a new channel gets its first figures by it, and a republish everything.
 *
 * Only the channel's leader may call it: it gives listings without a job to new ones.
 *
 * @param options.after where the page before ended
 * @param options.nonce republish: all of them, as new messages
 * @param options.graceMs leaves alone what changed so lately: it may be on its way
 * @param options.working jobs that are in flight in this process
 * @param options.maxBatch the most listings of a job
 * @param options.isLagging the channel is behind: what a wider buffer made is left as it is
 */
export async function sweepListings(
  tx: Tx,
  channel: ChannelRow,
  options: {
    readonly after: ListingKey | undefined;
    readonly nonce: string | null;
    readonly working: readonly string[];
    readonly graceMs: number;
    readonly maxBatch: number;
    readonly pageSize: number;
    readonly isLagging: boolean;
  },
): Promise<SweptPage> {
  const { after, nonce, graceMs, working, maxBatch, pageSize, isLagging } = options;
  const { rows } = await sql<{ job_id: string | null; sku: string; location_id: string }>`
    select * from listing_sweep(${channel.merchant_id}, ${channel.channel_id},
      ${after?.[0] ?? null}::text, ${after?.[1] ?? null}::text, ${pageSize}::integer,
      ${nonce}::text, ${[...working]}::uuid[], ${graceMs}::integer, ${maxBatch}::integer,
      ${!isLagging}::boolean)
  `.execute(tx);
  const end = rows.find((row) => row.job_id === null);
  const owner = {
    merchantId: channel.merchant_id,
    channelId: channel.channel_id,
    queue: channel.queue,
  };
  const jobs = jobsOfRows(
    rows.flatMap((row) =>
      row.job_id === null
        ? []
        : [{ ...owner, jobId: row.job_id, sku: row.sku, storeId: row.location_id }],
    ),
  );
  return { jobs, next: end === undefined ? undefined : [end.sku, end.location_id] };
}

/** What was asked of a channel's leader. */
export type Requests = {
  readonly hasBackfill: boolean;
  readonly hasRedrive: boolean;
  /** Single listings are to be looked at. */
  readonly hasListings: boolean;
};

/** Looks whether somebody asked for a run over all levels, or for dead letters to be sent again. */
export async function readRequests(
  db: Db,
  channel: ChannelRow,
  offsetMs: number,
): Promise<Requests> {
  const { rows } = await sql<{
    has_backfill: boolean;
    has_redrive: boolean;
    has_listings: boolean;
  }>`
    select c.backfill is not null as has_backfill, exists (
      select from delivery d
      where d.merchant_id = c.merchant_id and d.channel_id = c.channel_id
        and d.status = 'redriving') as has_redrive, exists (
      select from listing_request r
      where r.merchant_id = c.merchant_id and r.channel_id = c.channel_id
        and r.due_at <= clock_timestamp() + ${offsetMs} * interval '1 millisecond'
    ) as has_listings
    from channel c
    where c.merchant_id = ${channel.merchant_id} and c.channel_id = ${channel.channel_id}
  `.execute(db);
  const row = rows[0];
  return {
    hasBackfill: row?.has_backfill ?? false,
    hasRedrive: row?.has_redrive ?? false,
    hasListings: row?.has_listings ?? false,
  };
}

/**
 * Does the next page of the run over all levels that creating, changing or republishing a channel
 * asked for, and notes how far it came. @returns undefined when there is no run
 */
export async function continueBackfill(
  tx: Tx,
  channel: ChannelRow,
  options: {
    readonly working: readonly string[];
    readonly maxBatch: number;
    readonly isLagging: boolean;
  },
): Promise<SweptPage | undefined> {
  const { rows } = await sql<{
    backfill: { nonce: string | null; after: [string, string] | null } | null;
  }>`
    select backfill from channel
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
    for no key update`.execute(tx);
  const backfill = rows[0]?.backfill ?? null;
  if (backfill === null) return undefined;
  const page = await sweepListings(tx, channel, {
    ...options,
    after: backfill.after ?? undefined,
    nonce: backfill.nonce,
    graceMs: 0,
    pageSize: 2_000,
  });
  const rest = page.next === undefined ? null : { nonce: backfill.nonce, after: page.next };
  await sql`
    update channel set backfill = ${rest === null ? null : JSON.stringify(rest)}::jsonb
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
  `.execute(tx);
  return page;
}
