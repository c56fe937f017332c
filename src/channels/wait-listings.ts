import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';
import { bySkuAndStore } from './move-listings.ts';
import type { Settlement } from './plan-call.ts';

/** A listing that the channel may not be told of before a time. */
export type WaitingListing = Pick<
  Settlement,
  'jobId' | 'sku' | 'storeId' | 'version' | 'nonce' | 'rules'
> & { readonly until: Date };

/**
 * Lets listings wait without a job, so that the next change of one is looked at when it comes: it
 * may be one that must not wait. The caller has locked them.
 * @returns jobs for those that changed meanwhile, to insert in the same transaction
 */
export async function waitListings(
  tx: Tx,
  channel: ChannelRow,
  waiting: readonly WaitingListing[],
): Promise<readonly DeliveryJob[]> {
  if (waiting.length === 0) return [];
  const all = waiting.toSorted(bySkuAndStore);
  const nextIds = new Map(all.map(({ jobId }) => [jobId, randomUUID()]));
  // Single entries go out in their order: a newer one changes nothing about those that wait.
  const versions = all.map(({ version }) => {
    return channel.mode === 'latest' ? version : Number.MAX_SAFE_INTEGER;
  });
  const { rows } = await sql<{ job_id: string; sku: string; location_id: string }>`
    select * from listing_wait(${channel.merchant_id}, ${channel.channel_id},
      ${all.map((one) => one.jobId)}::uuid[], ${all.map((one) => one.sku)}::text[],
      ${all.map((one) => one.storeId)}::text[], ${versions}::bigint[],
      ${all.map((one) => one.nonce)}::text[], ${all.map((one) => one.rules)}::integer[],
      ${all.map((one) => one.until)}::timestamptz[],
      ${all.map((one) => nextIds.get(one.jobId) ?? null)}::uuid[])`.execute(tx);
  const { merchant_id: merchantId, channel_id: channelId, queue } = channel;
  return jobsOfRows(
    rows.map(({ job_id: jobId, sku, location_id: storeId }) => {
      return { merchantId, channelId, queue, jobId, sku, storeId };
    }),
  );
}
