import type { HttpClient } from '../../outgoing-http.ts';
import { failed, readItems, type OpenSource, type ReadOptions } from '../source.ts';
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

const ordersInOneCall = 10;

/** Units that wait at one location, by SKU and store. */
type Waiting = Map<string, { sku: string; storeId: string; units: number }>;

type Total = { readonly startedAt: Date; readonly waiting: Waiting };

/**
 * Opens Shopify's open fulfillment orders for one run. What waits is a sum over all of them, so
 * they are read to the end before the first figure is given out; half a read says nothing.
 */
export function openOrders(
  client: HttpClient,
  config: ShopifyConfig,
  credentials: ShopifyCredentials,
): OpenSource {
  let total: Promise<Total> | undefined;
  return {
    mayBeEmpty: true,
    changesSince: () => Promise.resolve({ kind: 'expired' }),
    async snapshot(cursor, options) {
      // Sums of another run were of other orders.
      if (cursor !== null && total === undefined) return { kind: 'expired' };
      try {
        total ??= sumUp(client, config, credentials, options);
        const { startedAt, waiting } = await total;
        const from = Number(cursor ?? 0);
        const all = [...waiting.values()];
        const until = Math.min(from + options.limit, all.length);
        return {
          kind: 'page',
          page: {
            ...readItems(
              all.slice(from, until).map(({ sku, storeId, units }) => ({
                id: `open-orders@${startedAt.toISOString()}`,
                sku,
                storeId,
                quantity: 'openOrders',
                op: 'set',
                value: units,
                observedAt: startedAt.toISOString(),
              })),
            ),
            nextWatermark: String(until),
            hasMore: until < all.length,
            isSnapshot: true,
          },
        };
      } catch (error) {
        total = undefined;
        if (error instanceof ShopifyFailed) return failed(error.code, error.retryAfterMs);
        throw error;
      }
    },
  };
}

async function sumUp(
  client: HttpClient,
  config: ShopifyConfig,
  credentials: ShopifyCredentials,
  { signal, readAt }: ReadOptions,
): Promise<Total> {
  const waiting: Waiting = new Map();
  let after: string | null = null;
  for (;;) {
    const variables: Record<string, unknown> = { first: ordersInOneCall, after };
    const request = { config, credentials, query: openOrdersQuery, variables, signal };
    const page = (await askShopify(client, request)).fulfillmentOrders;
    for (const { assignedLocation, lineItems } of page.nodes) {
      const storeId = config.locations[assignedLocation.location?.id ?? ''];
      if (storeId === undefined) continue;
      // Such an order would be counted in part, and more would be sold than is there.
      if (lineItems.pageInfo.hasNextPage) throw new ShopifyFailed('order_too_long');
      for (const { sku, remainingQuantity } of lineItems.nodes) {
        if (sku === null || sku === '') continue;
        const id = JSON.stringify([sku, storeId]);
        const units = (waiting.get(id)?.units ?? 0) + remainingQuantity;
        waiting.set(id, { sku, storeId, units });
      }
    }
    if (!page.pageInfo.hasNextPage) return { startedAt: readAt, waiting };
    after = page.pageInfo.endCursor;
  }
}
