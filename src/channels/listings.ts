import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { Adapters } from './adapter.ts';
import { invalidIds } from './listing-ids.ts';
import { channelNotFound } from './manage-channel.ts';
import { movedPrefix } from './plan-call.ts';
import { lockChannel } from './put-channel.ts';

/** One SKU at one store as a channel knows it. */
export type ListingView = {
  readonly sku: string;
  readonly storeId: string;
  readonly externalIds: unknown;
  readonly publishedQuantity: number | null;
  readonly publishedVersion: number;
  readonly publishedAt: string | null;
  /** Whether something is on its way to the channel, or could not be brought there. */
  readonly pending: boolean;
  /**
   * `accepted`: the channel has taken it and will apply it. `held`: the channel shows something
   * else, and somebody has to approve of ours. `waiting`: it was revised too often today.
   */
  readonly state: ListingState;
  /** Of one that waits: not before then, unless what it shows changes to what must not wait. */
  readonly waitsUntil: string | null;
  /** The operator shows 0 of it since then; null: it is shown. */
  readonly pausedAt: string | null;
};

export type ListingState = 'idle' | 'queued' | 'accepted' | 'waiting' | 'held' | 'dead';

export type ListingInput = {
  readonly storeId: string;
  readonly sku: string;
  /** The channel's own names for it. */
  readonly externalIds: unknown;
};

type Row = {
  sku: string;
  location_id: string;
  external_ids: unknown;
  published_quantity: number | null;
  published_version: number;
  published_at: Date | null;
  wanted_version: number;
  force_nonce: string | null;
  state: ListingState;
  waits_until: Date | null;
  paused_at: Date | null;
};

const columns = sql.raw(
  `sku, location_id, external_ids, published_quantity, published_version, published_at,
   wanted_version, force_nonce, paused_at,
   case when state = 'queued' and exists (
     select from accepted_operation a
     where a.merchant_id = l.merchant_id and a.channel_id = l.channel_id and a.job_id = l.job_id)
   then 'accepted' else state end as state,
   case when state = 'waiting' then (
     select r.due_at from listing_request r
     where r.merchant_id = l.merchant_id and r.channel_id = l.channel_id and r.sku = l.sku
       and r.location_id = l.location_id and r.due_at > '-infinity') end as waits_until`,
);

function viewListing(row: Row): ListingView {
  return {
    sku: row.sku,
    storeId: row.location_id,
    externalIds: row.external_ids,
    publishedQuantity: row.published_quantity,
    publishedVersion: row.published_version,
    publishedAt: row.published_at?.toISOString() ?? null,
    pending: row.state !== 'idle' || row.wanted_version > row.published_version,
    state: row.state,
    waitsUntil: row.waits_until?.toISOString() ?? null,
    pausedAt: row.paused_at?.toISOString() ?? null,
  };
}

/**
 * Says by which ids a channel knows SKUs: all of the listings or none. A SKU may be listed before
 * it has stock; it is published once it has. At most 2,000 in one call.
 * Refusals: CHANNEL.NOT_FOUND; LISTING.INVALID (with `errors: [{ path, message }]`, a hundred at
 * most); STORE.NOT_FOUND (with `storeIds`).
 */
export async function putListings(
  db: Db,
  input: {
    /** Absent: the caller has seen to it that the ids are what the channel's kind takes. */
    readonly adapters?: Adapters;
    readonly merchantId: string;
    readonly channelId: string;
    readonly listings: readonly ListingInput[];
  },
): Promise<Result<readonly ListingView[]>> {
  const { merchantId, channelId, listings } = input;
  return db.transaction().execute(async (tx) => {
    const channel = await lockChannel(tx, merchantId, channelId);
    if (channel === undefined) return refused(channelNotFound(channelId));
    const invalid = invalidIds(input.adapters?.get(channel.kind), listings);
    if (invalid.length > 0) {
      const detail = 'The channel does not know ids of this form.';
      return refused(refuse('LISTING.INVALID', detail, { errors: invalid }));
    }
    const known = await sql<{ location_id: string }>`
      select location_id from listing_stores(${merchantId},
        ${[...new Set(listings.map(({ storeId }) => storeId))]}::text[]) as location_id
    `.execute(tx);
    const stores = new Set(known.rows.map((row) => row.location_id));
    const missing = listings.map((l) => l.storeId).filter((storeId) => !stores.has(storeId));
    if (missing.length > 0) {
      return refused(
        refuse('STORE.NOT_FOUND', 'There is no such store.', { storeIds: [...new Set(missing)] }),
      );
    }
    // The last one of a key given twice counts.
    const last = new Map(listings.map((l) => [`${l.sku}\u0000${l.storeId}`, l]));
    const { rows } = await sql<Row>`
      insert into listing as l (merchant_id, channel_id, sku, location_id, external_ids)
      select ${merchantId}, ${channelId}, u.sku, u.location_id, u.external_ids
      from unnest(${[...last.values()].map((l) => l.sku)}::text[],
        ${[...last.values()].map((l) => l.storeId)}::text[],
        ${[...last.values()].map((l) => JSON.stringify(l.externalIds ?? null))}::jsonb[])
        as u(sku, location_id, external_ids)
      order by u.sku collate "C", u.location_id collate "C"
      on conflict (merchant_id, channel_id, sku, location_id) do update
        set external_ids = excluded.external_ids,
            -- under other ids the channel has not been told anything yet
            force_nonce = case
              when l.external_ids is distinct from excluded.external_ids
                and l.published_version > 0
                then ${movedPrefix}::text || gen_random_uuid()::text
              else l.force_nonce end
      returning ${columns}`.execute(tx);
    await restartBackfill(tx, merchantId, channelId);
    const byKey = new Map(rows.map((row) => [`${row.sku}\u0000${row.location_id}`, row]));
    return ok(
      listings.flatMap(({ sku, storeId }) => {
        const row = byKey.get(`${sku}\u0000${storeId}`);
        return row === undefined ? [] : [viewListing(row)];
      }),
    );
  });
}

/** The leader looks at all levels once more and queues what was listed. */
async function restartBackfill(db: Db, merchantId: string, channelId: string): Promise<void> {
  await sql`
    update channel
    set backfill = jsonb_build_object('nonce', backfill -> 'nonce', 'after', null),
        updated_at = clock_timestamp()
    where merchant_id = ${merchantId} and channel_id = ${channelId}`.execute(db);
}

/** Listings by SKU and store. Refusals: CHANNEL.NOT_FOUND. */
export async function listListings(
  db: Db,
  filter: PageRequest<{ readonly sku: string; readonly storeId: string }> & {
    readonly merchantId: string;
    readonly channelId: string;
    readonly sku?: string | undefined;
    readonly storeId?: string | undefined;
    readonly pending?: boolean | undefined;
  },
): Promise<Result<PageOf<ListingView, { sku: string; storeId: string }>>> {
  const { merchantId, channelId, sku, storeId, pending, after, limit } = filter;
  const conditions = [sql`merchant_id = ${merchantId} and channel_id = ${channelId}`];
  if (sku !== undefined) conditions.push(sql`sku = ${sku}`);
  if (storeId !== undefined) conditions.push(sql`location_id = ${storeId}`);
  if (after !== undefined) {
    conditions.push(sql`(sku, location_id) > (${after.sku}, ${after.storeId})`);
  }
  if (pending !== undefined) {
    conditions.push(sql`(state <> 'idle' or wanted_version > published_version) = ${pending}`);
  }
  const { rows } = await sql<Row>`
    select ${columns} from listing l where ${sql.join(conditions, sql` and `)}
    order by sku, location_id limit ${limit + 1}`.execute(db);
  if (rows.length === 0 && !(await channelExists(db, merchantId, channelId))) {
    return refused(channelNotFound(channelId));
  }
  const page = pageOf(rows, limit, (row) => ({ sku: row.sku, storeId: row.location_id }));
  return ok({ ...page, items: page.items.map(viewListing) });
}

async function channelExists(db: Db, merchantId: string, channelId: string): Promise<boolean> {
  const row = await db
    .selectFrom('channel')
    .select('channel_id')
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .executeTakeFirst();
  return row !== undefined;
}
