import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import type { SecretBox } from '../encryption.ts';
import { listLevelsOfSku } from '../stock/index.ts';
import type { Adapters, ChannelAdapter, DiscoveredItem } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import { channelNotFound } from './manage-channel.ts';
import { findChannel, mappingKey, placeId, readMapping, type MappedPlace } from './mapping.ts';
import { discover } from './publish.ts';

/** What a channel sells, and what we know of it. */
export type FoundItem = {
  readonly externalIds: unknown;
  readonly channelSku: string | null;
  readonly title: string | null;
  readonly location: { readonly id: string; readonly name: string | null } | null;
  /** What the channel shows; null where it does not say. */
  readonly quantity: number | null;
  /** The listing that has these ids. */
  readonly listing: MappedPlace | null;
  /** Of one that is not listed: the only level that it can be, by its SKU. */
  readonly suggestion: MappedPlace | null;
};

export type FoundPage = {
  /** Why the channel did not say, as a stable word; null when it did. */
  readonly code: string | null;
  readonly items: readonly FoundItem[];
  /** For the next page; null: that was the last. */
  readonly nextCursor: string | null;
};

export type DiscoverContext = {
  readonly adapters: Adapters;
  readonly secretBox: SecretBox;
  readonly now: () => Date;
};

/**
 * Asks a channel for a page of what it sells, and finds for each item its listing, or the level
 * that it should be listed for: one with the item's SKU at a store that has no listing yet, where
 * there is one such level and one such item. Changes nothing.
 * Refusals: CHANNEL.NOT_FOUND, CHANNEL.DISCOVER_NOT_SUPPORTED.
 */
export async function discoverListings(
  db: Db,
  context: DiscoverContext,
  wanted: {
    readonly merchantId: string;
    readonly channelId: string;
    readonly cursor: string | null;
  },
): Promise<Result<FoundPage>> {
  const { merchantId, channelId, cursor } = wanted;
  const channel = await findChannel(db, merchantId, channelId);
  if (channel === undefined) return refused(channelNotFound(channelId));
  const { kind } = channel;
  const adapter = context.adapters.get(kind);
  const ask = adapter?.discover?.bind(adapter);
  if (adapter === undefined || ask === undefined) {
    const detail = 'A channel of this kind does not list what it sells.';
    return refused(refuse('CHANNEL.DISCOVER_NOT_SUPPORTED', detail, { kind }));
  }
  const { secretBox, now } = context;
  const signal = new AbortController().signal;
  const result = await discover({ discover: ask }, channel, cursor, { secretBox, now, signal });
  if (!result.ok) return ok({ code: result.failure.code, items: [], nextCursor: null });
  const items = await matchItems(db, channel, adapter, result.items);
  return ok({ code: null, items, nextCursor: result.nextCursor });
}

async function matchItems(
  db: Db,
  channel: ChannelRow,
  adapter: ChannelAdapter,
  found: readonly DiscoveredItem[],
): Promise<readonly FoundItem[]> {
  const wanted = new Set(found.map((item) => mappingKey(adapter, item.externalIds)));
  const skus = new Set(found.flatMap(({ sku }) => sku ?? []));
  const byKey = new Map<string, MappedPlace>();
  const mapped = new Set<string>();
  for await (const { sku, storeId, externalIds } of readMapping(db, channel)) {
    const key = mappingKey(adapter, externalIds);
    if (key === undefined) continue;
    if (wanted.has(key) && !byKey.has(key)) byKey.set(key, { storeId, sku });
    if (skus.has(sku)) mapped.add(placeId({ storeId, sku }));
  }
  const open = found.filter((item) => !byKey.has(mappingKey(adapter, item.externalIds) ?? ''));
  const itemsBySku = Map.groupBy(open, ({ sku }) => sku);
  const levels = await levelsOf(db, channel, [...skus]);
  const levelsBySku = Map.groupBy(
    levels.filter((level) => !mapped.has(placeId(level))),
    ({ sku }) => sku,
  );
  return found.map((item) => {
    const { externalIds, sku: channelSku, title, location = null, quantity } = item;
    const listing = byKey.get(mappingKey(adapter, externalIds) ?? '') ?? null;
    const candidates = channelSku === null ? [] : (levelsBySku.get(channelSku) ?? []);
    const isOnly = candidates.length === 1 && itemsBySku.get(channelSku)?.length === 1;
    const suggestion = listing === null && isOnly ? (candidates[0] ?? null) : null;
    return { externalIds, channelSku, title, location, quantity, listing, suggestion };
  });
}

/** The levels of some SKUs at the stores that the channel sells from. */
async function levelsOf(
  db: Db,
  channel: ChannelRow,
  skus: readonly string[],
): Promise<readonly MappedPlace[]> {
  const found: MappedPlace[] = [];
  for (const sku of skus) {
    found.push(...(await listLevelsOfSku(db, channel.merchant_id, sku, 0)));
  }
  const stores = channel.select_stores;
  return found.filter(({ storeId }) => stores === null || stores.includes(storeId));
}
