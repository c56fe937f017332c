import { z } from 'zod';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callAmazon, type Connection } from './call-amazon.ts';
import { availabilitySchema, ownQuantity } from './read-listings.ts';
import { jsonOf } from './json.ts';
import { listingsPath, type AmazonContext } from './settings.ts';

const perPage = 20;

const summarySchema = z.object({
  marketplaceId: z.string(),
  productType: z.string().optional(),
  itemName: z.string().nullish(),
  createdDate: z.string(),
});
const itemSchema = z.object({
  sku: z.string(),
  summaries: z.array(summarySchema).default([]),
  fulfillmentAvailability: availabilitySchema,
});
const pageSchema = z.object({
  numberOfResults: z.int(),
  pagination: z.object({ nextToken: z.string().optional() }).default({}),
  items: z.array(itemSchema),
});
type Item = z.infer<typeof itemSchema>;

/** Where the next page begins: Amazon pages through 1,000 listings, and then no farther. */
const cursorSchema = z.object({
  /** Only listings created then or later. */
  after: z.string().optional(),
  token: z.string().optional(),
  /** Listings of this search before the page. */
  seen: z.int(),
});
type Cursor = z.infer<typeof cursorSchema>;

/** Lists what the seller ships, oldest first. What Amazon ships is counted by Amazon. */
export async function discover(
  connection: Connection,
  cursor: string | null,
  context: AmazonContext,
): Promise<DiscoverResult> {
  const known = cursorSchema.safeParse(cursor === null ? { seen: 0 } : jsonOf(cursor));
  if (!known.success) {
    return { ok: false, failure: { code: 'invalid_cursor', scope: 'request', isNotDone: true } };
  }
  const { after, token, seen } = known.data;
  const answer = await callAmazon(connection, context, {
    operation: 'searchListingsItems',
    path: listingsPath(context.config),
    query: {
      marketplaceIds: context.config.marketplaceIds.join(','),
      includedData: 'summaries,fulfillmentAvailability',
      sortBy: 'createdDate',
      sortOrder: 'ASC',
      pageSize: String(perPage),
      ...(after === undefined ? {} : { createdAfter: after }),
      ...(token === undefined ? {} : { pageToken: token }),
    },
    data: pageSchema,
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { items, numberOfResults, pagination } = answer.data;
  const next = nextOf(known.data, {
    nextToken: pagination.nextToken,
    seen: seen + items.length,
    numberOfResults,
    newest: items.at(-1)?.summaries[0]?.createdDate,
  });
  return {
    ok: true,
    items: items.filter(isShippedBySeller).map(itemOf),
    nextCursor: next === null ? null : JSON.stringify(next),
  };
}

type Page = {
  readonly nextToken: string | undefined;
  readonly seen: number;
  readonly numberOfResults: number;
  readonly newest: string | undefined;
};

function nextOf(
  { after }: Cursor,
  { nextToken, seen, numberOfResults, newest }: Page,
): Cursor | null {
  if (nextToken !== undefined) return { after, token: nextToken, seen };
  // The rest is in a search of its own; the listings of one instant may come twice.
  if (seen >= numberOfResults || newest === undefined || newest === after) return null;
  return { after: newest, seen: 0 };
}

function isShippedBySeller({ fulfillmentAvailability: all }: Item): boolean {
  return all.length === 0 || all.some((one) => !one.fulfillmentChannelCode.startsWith('AMAZON'));
}

function itemOf({ sku, summaries, fulfillmentAvailability }: Item): DiscoveredItem {
  const [summary] = summaries;
  const productType = summary?.productType;
  return {
    externalIds: { sku, ...(productType === undefined ? {} : { productType }) },
    sku,
    title: summary?.itemName ?? null,
    quantity: ownQuantity(fulfillmentAvailability),
  };
}
