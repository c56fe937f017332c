import { setTimeout } from 'node:timers/promises';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import type { SecretBox } from '../encryption.ts';
import { listLevelsOfSku } from '../stock/index.ts';
import type { Adapters, ChannelAdapter, DiscoveredItem, DiscoverResult } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import { channelNotFound, findChannel } from './manage-channel.ts';
import { mappingKey, placeId, readMapping, type MappedPlace } from './mapping.ts';
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

type Wanted = { readonly merchantId: string; readonly channelId: string };

/**
 * Asks a channel for a page of what it sells, and finds for each item its listing, or the level
 * that it should be listed for: one with the item's SKU at a store that has no listing yet, where
 * there is one such level and one such item. Of items on other pages it knows nothing. Changes
 * nothing.
 * Refusals: CHANNEL.NOT_FOUND, CHANNEL.DISCOVER_NOT_SUPPORTED.
 */
export async function discoverListings(
  db: Db,
  context: DiscoverContext,
  wanted: Wanted & { readonly cursor: string | null },
): Promise<Result<FoundPage>> {
  const opened = await openDiscovery(db, context, wanted);
  if (!opened.ok) return opened;
  const { channel, adapter, ask } = opened.value;
  const result = await ask(wanted.cursor, new AbortController().signal);
  if (!result.ok) return ok({ code: result.failure.code, items: [], nextCursor: null });
  const items = await matchItems(db, channel, adapter, result.items);
  return ok({ code: null, items, nextCursor: result.nextCursor });
}

/**
 * The same for all that a channel sells, page after page. With a page that the channel did not give
 * there are no items. Refusals as `discoverListings`.
 * @param wanted.signal ends it after a page; `nextCursor` says so
 * @param wanted.onPage is told how many items there are so far
 */
export async function discoverAll(
  db: Db,
  context: DiscoverContext,
  wanted: Wanted & { readonly signal: AbortSignal; readonly onPage: (items: number) => void },
): Promise<Result<FoundPage>> {
  const { signal, onPage } = wanted;
  const opened = await openDiscovery(db, context, wanted);
  if (!opened.ok) return opened;
  const { channel, adapter, ask } = opened.value;
  const found: DiscoveredItem[] = [];
  let cursor: string | null = null;
  do {
    const result: DiscoverResult = await askPatiently(ask, cursor, signal);
    if (!result.ok) return ok({ code: result.failure.code, items: [], nextCursor: null });
    found.push(...result.items);
    onPage(found.length);
    cursor = result.nextCursor;
  } while (cursor !== null && !signal.aborted);
  const items = await matchItems(db, channel, adapter, found);
  return ok({ code: null, items, nextCursor: cursor });
}

/** A channel that asks for a pause gets it, of a minute at most, so often for each page. */
const mostPauses = 8;
const longestPauseMs = 60_000;

async function askPatiently(
  ask: Discovery['ask'],
  cursor: string | null,
  signal: AbortSignal,
): Promise<DiscoverResult> {
  for (let pauses = 0; ; pauses += 1) {
    const result = await ask(cursor, signal);
    const pauseMs = result.ok ? undefined : result.failure.retryAfterMs;
    if (pauseMs === undefined || pauses === mostPauses || signal.aborted) return result;
    const pause = setTimeout(Math.min(pauseMs, longestPauseMs), undefined, { signal });
    // Told to stop, it is no fault: the answer is the failure there was.
    const isOver = await pause.then(
      () => true,
      () => false,
    );
    if (!isOver) return result;
  }
}

type Discovery = {
  readonly channel: ChannelRow;
  readonly adapter: ChannelAdapter;
  readonly ask: (cursor: string | null, signal: AbortSignal) => Promise<DiscoverResult>;
};

/** Refusals: CHANNEL.NOT_FOUND, CHANNEL.DISCOVER_NOT_SUPPORTED. */
async function openDiscovery(
  db: Db,
  { adapters, secretBox, now }: DiscoverContext,
  { merchantId, channelId }: Wanted,
): Promise<Result<Discovery>> {
  const channel = await findChannel(db, merchantId, channelId);
  if (channel === undefined) return refused(channelNotFound(channelId));
  const { kind } = channel;
  const adapter = adapters.get(kind);
  const own = adapter?.discover?.bind(adapter);
  if (adapter === undefined || own === undefined) {
    const detail = 'A channel of this kind does not list what it sells.';
    return refused(refuse('CHANNEL.DISCOVER_NOT_SUPPORTED', detail, { kind }));
  }
  const ask: Discovery['ask'] = (cursor, signal) =>
    discover({ discover: own }, channel, cursor, { secretBox, now, signal });
  return ok({ channel, adapter, ask });
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
    const levels = await listLevelsOfSku(db, channel.merchant_id, sku, 0);
    found.push(...levels.map(({ storeId }) => ({ storeId, sku })));
  }
  const stores = channel.select_stores;
  return found.filter(({ storeId }) => stores === null || stores.includes(storeId));
}
