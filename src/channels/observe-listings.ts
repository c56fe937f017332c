import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import { bySkuAndStore } from './move-listings.ts';

/** A listing for which the channel showed another figure than it was told, and kept it. */
export type ObservedListing = {
  readonly jobId: string;
  readonly sku: string;
  readonly storeId: string;
  /** What it was thought to show; null: nothing was known. */
  readonly expected: number | null;
  readonly observed: number;
  /** When the channel said so, by the database's clock: what it did before is in the figure. */
  readonly toldAt: Date | null;
  /** Of the drift that this is; null: the figure is explained by what we know. */
  readonly driftId: string | null;
  /** The job that sends ours again; null: it waits for an approval. */
  readonly nextJobId: string | null;
};

export type ObservedDrift = ObservedListing & {
  readonly driftId: string;
  /** A drift of the same listing that was not settled before it moved on. */
  readonly driftBefore: string | null;
};

/**
 * Takes what channels show for what they were told: the figure is sent again with it as the one
 * before. @returns the drifts among them, of listings that still belonged to their job
 */
export async function observeListings(
  tx: Tx,
  channel: ChannelRow,
  observed: readonly ObservedListing[],
): Promise<readonly ObservedDrift[]> {
  if (observed.length === 0) return [];
  const all = observed.toSorted(bySkuAndStore);
  const { rows } = await sql<{ position: number; drift_before: string | null }>`
    select * from listing_observe(${channel.merchant_id}, ${channel.channel_id},
      ${all.map((one) => one.jobId)}::uuid[], ${all.map((one) => one.sku)}::text[],
      ${all.map((one) => one.storeId)}::text[], ${all.map((one) => one.observed)}::integer[],
      ${all.map((one) => one.toldAt)}::timestamptz[],
      ${all.map((one) => one.driftId)}::text[], ${all.map((one) => one.nextJobId)}::uuid[],
      ${all.map((one) => one.nextJobId === null)}::boolean[])`.execute(tx);
  return rows.flatMap(({ position, drift_before: driftBefore }) => {
    const one = all[position - 1];
    if (one === undefined || one.driftId === null) return [];
    return [{ ...one, driftId: one.driftId, driftBefore }];
  });
}

/** Locks listings in their order, before a transaction writes them in more than one statement. */
export async function lockListings(
  tx: Tx,
  channel: ChannelRow,
  listings: readonly { readonly sku: string; readonly storeId: string }[],
): Promise<void> {
  const all = listings.toSorted(bySkuAndStore);
  await sql`
    select listing_lock(${channel.merchant_id}, ${channel.channel_id},
      ${all.map((one) => one.sku)}::text[], ${all.map((one) => one.storeId)}::text[])
  `.execute(tx);
}

/** Gives listings of jobs to other jobs, those that still belong to them. */
export async function reassignListings(
  tx: Tx,
  channel: ChannelRow,
  moves: readonly {
    readonly jobId: string;
    readonly nextJobId: string;
    readonly sku: string;
    readonly storeId: string;
  }[],
): Promise<void> {
  if (moves.length === 0) return;
  const all = moves.toSorted(bySkuAndStore);
  await sql`
    select from listing_reassign(${channel.merchant_id}, ${channel.channel_id},
      ${all.map((one) => one.jobId)}::uuid[], ${all.map((one) => one.nextJobId)}::uuid[],
      ${all.map((one) => one.sku)}::text[], ${all.map((one) => one.storeId)}::text[])
  `.execute(tx);
}
