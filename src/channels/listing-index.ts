import type { Db } from '../db/index.ts';
import { listLevelsAt } from '../stock/index.ts';
import type { ChannelAdapter, InboundLine } from './adapter.ts';
import type { ChannelRow } from './channel.ts';

/** A mapping that changed is seen after so long, or at the first line that finds none. */
const keepMs = 10_000;
const missMs = 500;

type Place = { readonly storeId: string; readonly sku: string };
type Loaded = {
  readonly at: number;
  readonly byKey: ReadonlyMap<string, Place>;
  readonly bySku: ReadonlyMap<string, readonly (Place & { readonly ids: string })[]>;
};

/** Finds which level a line of a channel's order is about, by the channel's listings. */
export class ListingIndex {
  readonly #db: Db;
  readonly #loaded = new Map<string, Loaded>();

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * The level of a line: the listing with its key, or the first of its keys that is listed; else
   * the listing of its SKU, the one at the place that the line names where there are several, else
   * the first by store. A line of a channel that uses our own names says its store as the place,
   * and means that level where it is there. Undefined: nobody told us.
   */
  async find(
    channel: ChannelRow,
    adapter: ChannelAdapter,
    line: Pick<InboundLine, 'listingKey' | 'sku' | 'locationId'>,
  ): Promise<Place | undefined> {
    const { sku, locationId: storeId } = line;
    if (adapter.listingKey === undefined && sku !== null && storeId !== null) {
      const place = { storeId, sku };
      const levels = await listLevelsAt(this.#db, channel.merchant_id, [place], 0);
      return levels.length === 0 ? undefined : place;
    }
    const kept = await this.#load(channel, adapter, keepMs);
    return (
      placeOf(kept, line, adapter) ??
      placeOf(await this.#load(channel, adapter, missMs), line, adapter)
    );
  }

  async #load(channel: ChannelRow, adapter: ChannelAdapter, mostMs: number): Promise<Loaded> {
    const { merchant_id: merchantId, channel_id: channelId } = channel;
    const id = `${merchantId}\u0000${channelId}`;
    const known = this.#loaded.get(id);
    if (known !== undefined && performance.now() - known.at < mostMs) return known;
    const rows = await this.#db
      .selectFrom('listing')
      .select(['sku', 'location_id', 'external_ids'])
      .where('merchant_id', '=', merchantId)
      .where('channel_id', '=', channelId)
      .orderBy('sku')
      .orderBy('location_id')
      .execute();
    const byKey = new Map<string, Place>();
    const bySku = new Map<string, (Place & { ids: string })[]>();
    for (const row of rows) {
      const place = { storeId: row.location_id, sku: row.sku };
      const isMapped = row.external_ids !== null;
      const key = isMapped ? adapter.listingKey?.(row.external_ids) : undefined;
      if (key !== undefined && key !== '' && !byKey.has(key)) byKey.set(key, place);
      const ids = JSON.stringify(row.external_ids);
      bySku.set(row.sku, [...(bySku.get(row.sku) ?? []), { ...place, ids }]);
    }
    const loaded = { at: performance.now(), byKey, bySku };
    this.#loaded.set(id, loaded);
    return loaded;
  }
}

function placeOf(
  { byKey, bySku }: Loaded,
  { listingKey, sku, locationId }: Pick<InboundLine, 'listingKey' | 'sku' | 'locationId'>,
  adapter: ChannelAdapter,
): Place | undefined {
  const keys = listingKey === null ? [] : (adapter.lineKeys?.(listingKey) ?? [listingKey]);
  const byItsKey = keys.map((key) => byKey.get(key)).find((place) => place !== undefined);
  if (byItsKey !== undefined) return byItsKey;
  if (sku === null) return undefined;
  const listings = bySku.get(sku) ?? [];
  const atPlace =
    locationId === null ? undefined : listings.find(({ ids }) => namesPlace(ids, locationId));
  const found = atPlace ?? listings[0];
  return found === undefined ? undefined : { storeId: found.storeId, sku: found.sku };
}

/** Whether a listing's ids name a place, by its number or as the end of a global id. */
function namesPlace(ids: string, locationId: string): boolean {
  return ids.includes(`"${locationId}"`) || ids.includes(`/${locationId}"`);
}
