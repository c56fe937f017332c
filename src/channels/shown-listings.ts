import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import type { ListingKey } from './adapter.ts';

/** Whose listings they are. */
export type ChannelName = { readonly merchantId: string; readonly channelId: string };

/** A listing as it ought to be shown, to be compared with what the channel says. */
export type ShownListing = ListingKey & {
  /** Null: it cannot be said now, because something is on its way or was never told. */
  readonly expected: number | null;
  /** What it would be sent now. */
  readonly ours: number;
  /** `dead`: its delivery was given up. */
  readonly state: 'idle' | 'queued' | 'held' | 'dead';
  /** What it was told last. */
  readonly told: number | null;
  /** A figure that was sent and never answered. */
  readonly unanswered: number | null;
  /** What it would have been shown of the level's version before. */
  readonly figureBefore: number;
  /** Of the level. */
  readonly version: number;
  /** When it took our figure last. */
  readonly toldAt: Date | null;
  readonly driftId: string | null;
  /** Two readings with the same mark are of the same state. */
  readonly mark: string;
  /** When this was read, by the database's clock. */
  readonly readAt: Date;
};

/** What is done about a listing that shows another figure. */
export type DriftStep = 'send' | 'hold' | 'wait';

export type NotedListing = {
  readonly sku: string;
  readonly storeId: string;
  readonly driftId: string;
  readonly observed: number;
  /** When the channel was asked, by the database's clock. */
  readonly seenAt: Date;
  readonly step: DriftStep;
};

type Row = {
  sku: string;
  location_id: string;
  external_ids: unknown;
  expected: number | null;
  ours: number;
  state: ShownListing['state'];
  told: number | null;
  unanswered: number | null;
  figure_before: number;
  version: number;
  told_at: Date | null;
  drift_id: string | null;
  mark: string;
  read_at: Date;
};

/** Names of listings that have a level or not, in the order of SKU and store: at most `limit`. */
export async function listingKeysAfter(
  db: Db,
  { merchantId, channelId }: ChannelName,
  after: { readonly sku: string; readonly storeId: string } | null,
  limit: number,
): Promise<readonly { readonly sku: string; readonly storeId: string }[]> {
  const from =
    after === null ? sql`` : sql`and (sku, location_id) > (${after.sku}, ${after.storeId})`;
  const { rows } = await sql<{ sku: string; location_id: string }>`
    select sku, location_id from listing
    where merchant_id = ${merchantId} and channel_id = ${channelId} ${from}
    order by sku, location_id limit ${limit}`.execute(db);
  return rows.map((row) => ({ sku: row.sku, storeId: row.location_id }));
}

/** What listings ought to show; those without a stock level are left out. */
export async function shownListings(
  db: Db | Tx,
  { merchantId, channelId }: ChannelName,
  keys: readonly { readonly sku: string; readonly storeId: string }[],
): Promise<readonly ShownListing[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<Row>`
    select * from listing_shown(${merchantId}, ${channelId},
      ${keys.map(({ sku }) => sku)}::text[], ${keys.map(({ storeId }) => storeId)}::text[])
  `.execute(db);
  return rows.map((row) => ({
    sku: row.sku,
    storeId: row.location_id,
    externalIds: row.external_ids,
    expected: row.expected,
    ours: row.ours,
    state: row.state,
    told: row.told,
    unanswered: row.unanswered,
    figureBefore: row.figure_before,
    version: row.version,
    toldAt: row.told_at,
    driftId: row.drift_id,
    mark: row.mark,
    readAt: row.read_at,
  }));
}

/** Keeps listings as they are until the end of the transaction, locked in their order. */
export async function lockShown(
  tx: Tx,
  { merchantId, channelId }: ChannelName,
  keys: readonly { readonly sku: string; readonly storeId: string }[],
): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    select listing_lock(${merchantId}, ${channelId}, k.skus, k.stores)
    from (
      select array_agg(u.sku order by u.sku collate "C", u.store collate "C") as skus,
        array_agg(u.store order by u.sku collate "C", u.store collate "C") as stores
      from unnest(${keys.map(({ sku }) => sku)}::text[],
        ${keys.map(({ storeId }) => storeId)}::text[]) as u(sku, store)) k`.execute(tx);
}

/**
 * Takes what a channel shows for what it was told last: what is sent next is compared with it. The
 * listings are locked. @returns drifts that these listings had before
 */
export async function noteDrifts(
  tx: Tx,
  { merchantId, channelId }: ChannelName,
  noted: readonly NotedListing[],
): Promise<readonly string[]> {
  if (noted.length === 0) return [];
  const { rows } = await sql<{ drift_before: string | null }>`
    select * from listing_drift(${merchantId}, ${channelId},
      ${noted.map(({ sku }) => sku)}::text[], ${noted.map(({ storeId }) => storeId)}::text[],
      ${noted.map(({ observed }) => observed)}::integer[],
      ${noted.map(({ seenAt }) => seenAt)}::timestamptz[],
      ${noted.map(({ driftId }) => driftId)}::text[], ${noted.map(({ step }) => step)}::text[])
  `.execute(tx);
  return rows.flatMap(({ drift_before: before }) => before ?? []);
}
