import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';

/** One SKU at one store of one channel. */
export type ListingName = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly sku: string;
  readonly storeId: string;
};

/** So many requests are carried out in one transaction. */
const mostAtOnce = 1_000;

/** Asks the channel's leader to look at a listing, whose row the caller has locked. */
export async function requestListing(tx: Tx, listing: ListingName): Promise<void> {
  await tx
    .insertInto('listing_request')
    .values({
      merchant_id: listing.merchantId,
      channel_id: listing.channelId,
      sku: listing.sku,
      location_id: listing.storeId,
    })
    // It may have been waiting for another time.
    .onConflict((conflict) =>
      conflict
        .columns(['merchant_id', 'channel_id', 'sku', 'location_id'])
        .doUpdateSet({ due_at: '-infinity' }),
    )
    .execute();
}

/** Queues what was asked for by now: jobs to insert in the same transaction. For the leader. */
export async function takeRequested(
  tx: Tx,
  channel: ChannelRow,
  options: {
    readonly working: readonly string[];
    readonly maxBatch: number;
    readonly offsetMs: number;
  },
): Promise<readonly DeliveryJob[]> {
  const { rows } = await sql<{ job_id: string; sku: string; location_id: string }>`
    select * from listing_requested(${channel.merchant_id}, ${channel.channel_id},
      ${[...options.working]}::uuid[], ${options.maxBatch}::integer, ${mostAtOnce}::integer,
      ${options.offsetMs}::double precision)
  `.execute(tx);
  const owner = {
    merchantId: channel.merchant_id,
    channelId: channel.channel_id,
    queue: channel.queue,
  };
  return jobsOfRows(
    rows.map((row) => ({ ...owner, jobId: row.job_id, sku: row.sku, storeId: row.location_id })),
  );
}
