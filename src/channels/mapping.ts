import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { listLevelsAt } from '../stock/index.ts';
import type { ChannelAdapter } from './adapter.ts';
import type { ChannelRow } from './channel.ts';

/** One SKU at one store. */
export type MappedPlace = { readonly storeId: string; readonly sku: string };

/** A listing as the channel names it. */
export type MappedListing = MappedPlace & {
  readonly externalIds: unknown;
  /** Whether there is a level behind it. */
  readonly hasLevel: boolean;
};

/** One text for a place. */
export function placeId({ storeId, sku }: MappedPlace): string {
  return `${storeId}\u0000${sku}`;
}

/** Listings read at once. */
const pageSize = 1_000;

/** All listings of a channel by SKU and store, read in pages. */
export async function* readMapping(db: Db, channel: ChannelRow): AsyncGenerator<MappedListing> {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  let last: MappedPlace | undefined;
  for (;;) {
    let query = db
      .selectFrom('listing')
      .select(['sku', 'location_id as storeId', 'external_ids as externalIds'])
      .where('merchant_id', '=', merchantId)
      .where('channel_id', '=', channelId)
      .orderBy('sku')
      .orderBy('location_id')
      .limit(pageSize);
    if (last !== undefined) {
      query = query.where(sql<boolean>`(sku, location_id) > (${last.sku}, ${last.storeId})`);
    }
    const rows = await query.execute();
    const levels = await listLevelsAt(db, merchantId, rows, 0);
    const counted = new Set(levels.map(placeId));
    for (const row of rows) yield { ...row, hasLevel: counted.has(placeId(row)) };
    last = rows.at(-1);
    if (rows.length < pageSize) return;
  }
}

/**
 * One text for what the channel has under these ids, undefined where they name nothing: two
 * listings of a channel must not share it.
 */
export function mappingKey(adapter: ChannelAdapter, externalIds: unknown): string | undefined {
  if (externalIds === null || externalIds === undefined) return undefined;
  if (adapter.listingKey === undefined) return JSON.stringify(externalIds);
  const key = adapter.listingKey(externalIds);
  return key === '' ? undefined : key;
}
