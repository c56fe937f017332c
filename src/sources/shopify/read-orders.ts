import { setTimeout } from 'node:timers/promises';
import type { HttpClient } from '../../outgoing-http.ts';
import {
  failed,
  readItems,
  type OpenSource,
  type ReadOptions,
  type SourcePage,
} from '../source.ts';
import { askShopify, ShopifyFailed } from './ask.ts';
import type { ShopifyConfig, ShopifyCredentials } from './kind.ts';

/** Exported so that a test can hold it against Shopify's schema. */
export const openOrdersQuery = `query openOrders($first: Int!, $after: String) {
  fulfillmentOrders(first: $first, after: $after, includeClosed: false) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      status
      assignedLocation { location { id } }
      lineItems(first: 100) {
        pageInfo { hasNextPage }
        nodes { sku remainingQuantity }
      }
    }
  }
}`;

/** Such a call is priced at 527: some plans let 1,000 be spent at once, and a call no more. */
const ordersInOneCall = 5;
/** A wait that the shop asks for is waited out within a read when it is no longer. */
const longestWaitMs = 20_000;

/** Units that wait at one location, by SKU and store. */
type Waiting = Map<string, { sku: string; storeId: string; units: number }>;

/** What was added up so far, and where it goes on. */
type Total = {
  readonly startedAt: Date;
  readonly waiting: Waiting;
  calls: number;
  after: string | null;
  isWhole: boolean;
};

/**
 * Opens Shopify's open fulfillment orders for one run. What waits is a sum over all of them, so
 * they are read to the end before the first figure is given out; half a read says nothing. Until
 * then each call is a page without items: it has its own time, and when it fails only it is made
 * again.
 */
export function openOrders(
  client: HttpClient,
  config: ShopifyConfig,
  credentials: ShopifyCredentials,
): OpenSource {
  let total: Total | undefined;
  return {
    mayBeEmpty: true,
    changesSince: () => Promise.resolve({ kind: 'expired' }),
    async snapshot(cursor, options) {
      // Sums of another run were of other orders.
      if (cursor !== null && total === undefined) return { kind: 'expired' };
      total ??= {
        startedAt: options.readAt,
        waiting: new Map(),
        calls: 0,
        after: null,
        isWhole: false,
      };
      try {
        if (!total.isWhole) await addUp(total, client, config, credentials, options);
      } catch (error) {
        if (error instanceof ShopifyFailed) return failed(error.code, error.retryAfterMs);
        throw error;
      }
      return { kind: 'page', page: pageOf(total, cursor, options.limit) };
    },
  };
}

function pageOf(total: Total, cursor: string | null, limit: number): SourcePage {
  const { startedAt, waiting, calls, isWhole } = total;
  if (!isWhole) {
    const nextWatermark = `summed ${calls}`;
    return { items: [], unreadable: [], nextWatermark, hasMore: true, isSnapshot: true };
  }
  const from = /^\d+$/.test(cursor ?? '') ? Number(cursor) : 0;
  const all = [...waiting.values()];
  const until = Math.min(from + limit, all.length);
  const items = all.slice(from, until).map(({ sku, storeId, units }) => ({
    id: `open-orders@${startedAt.toISOString()}`,
    sku,
    storeId,
    quantity: 'openOrders',
    op: 'set',
    value: units,
    observedAt: startedAt.toISOString(),
  }));
  return {
    ...readItems(items),
    nextWatermark: String(until),
    hasMore: until < all.length,
    isSnapshot: true,
  };
}

/** Adds what one call shows. One that fails adds nothing. */
async function addUp(
  total: Total,
  client: HttpClient,
  config: ShopifyConfig,
  credentials: ShopifyCredentials,
  { signal }: ReadOptions,
): Promise<void> {
  const variables = { first: ordersInOneCall, after: total.after };
  const request = { config, credentials, query: openOrdersQuery, variables, signal };
  const { nodes, pageInfo } = (await askInTime(client, request)).fulfillmentOrders;
  const isOurs = (id = ''): boolean => config.locations[id] !== undefined;
  const own = nodes.filter(({ assignedLocation }) => isOurs(assignedLocation.location?.id));
  // Such an order would be counted in part, and more would be sold than is there.
  if (own.some(({ lineItems }) => lineItems.pageInfo.hasNextPage)) {
    throw new ShopifyFailed('order_too_long');
  }
  for (const { assignedLocation, lineItems } of own) {
    const storeId = config.locations[assignedLocation.location?.id ?? ''] ?? '';
    for (const { sku, remainingQuantity } of lineItems.nodes) {
      if (sku === null || sku === '') continue;
      const id = JSON.stringify([sku, storeId]);
      const units = (total.waiting.get(id)?.units ?? 0) + remainingQuantity;
      total.waiting.set(id, { sku, storeId, units });
    }
  }
  total.calls += 1;
  total.after = pageInfo.endCursor;
  total.isWhole = !pageInfo.hasNextPage;
}

/** Asks, and where the shop says how long it wants to be left alone, once more after that. */
async function askInTime(
  client: HttpClient,
  request: Parameters<typeof askShopify>[1],
): ReturnType<typeof askShopify> {
  try {
    return await askShopify(client, request);
  } catch (error) {
    if (!(error instanceof ShopifyFailed)) throw error;
    const { retryAfterMs: wait } = error;
    if (wait === undefined || wait > longestWaitMs) throw error;
    await setTimeout(wait, undefined, { signal: request.signal });
    return await askShopify(client, request);
  }
}
