import type { Db } from '../db/index.ts';
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

/** Listings read at once. */
const pageSize = 1_000;

/** All listings of a channel by SKU and store, read in pages. */
export async function* readMapping(db: Db, channel: ChannelRow): AsyncGenerator<MappedListing> {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  let last: MappedPlace | undefined;
  for (;;) {
    let query = db
      .selectFrom('listing as l')
      .leftJoin('stock_level as s', (join) =>
        join
          .onRef('s.merchant_id', '=', 'l.merchant_id')
          .onRef('s.sku', '=', 'l.sku')
          .onRef('s.location_id', '=', 'l.location_id'),
      )
      .select(['l.sku', 'l.location_id', 'l.external_ids', 's.version'])
      .where('l.merchant_id', '=', merchantId)
      .where('l.channel_id', '=', channelId)
      .orderBy('l.sku')
      .orderBy('l.location_id')
      .limit(pageSize);
    if (last !== undefined) {
      const { sku, storeId } = last;
      query = query.where((eb) =>
        eb(eb.refTuple('l.sku', 'l.location_id'), '>', eb.tuple(sku, storeId)),
      );
    }
    const rows = await query.execute();
    for (const row of rows) {
      last = { sku: row.sku, storeId: row.location_id };
      yield { ...last, externalIds: row.external_ids, hasLevel: row.version !== null };
    }
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
