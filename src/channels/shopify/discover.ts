import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callGraphql } from './call-graphql.ts';
import { stockDocument } from './documents.ts';
import { availableOf, quantitiesSchema } from './read-levels.ts';
import type { ShopifyContext } from './settings.ts';

/** An item costs some 7 points here, and a query may cost 1,000. */
const itemsPerPage = 100;

const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
const levelSchema = z.object({
  item: z.object({
    id: z.string(),
    sku: z.string().nullable(),
    tracked: z.boolean(),
    variants: z.object({ nodes: z.array(z.object({ displayName: z.string() })) }).nullable(),
  }),
  quantities: quantitiesSchema,
});
const stockSchema = z.object({
  locations: z.object({
    nodes: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        inventoryLevels: z.object({ nodes: z.array(levelSchema), pageInfo }),
      }),
    ),
    pageInfo,
  }),
});

/** After which location, and after which of its levels, a page begins. */
const cursorSchema = z.tuple([z.string().nullable(), z.string().nullable()]);

/**
 * Lists what is stocked, location by location. Its own failure: `cursor_invalid`. Items that
 * Shopify does not count have no quantity.
 */
export async function discover(
  client: HttpClient,
  cursor: string | null,
  context: ShopifyContext,
): Promise<DiscoverResult> {
  const place = readCursor(cursor);
  if (place === undefined) {
    return { ok: false, failure: { code: 'cursor_invalid', scope: 'request', isNotDone: true } };
  }
  const [afterLocation, afterLevel] = place;
  const answer = await callGraphql(client, context, {
    document: stockDocument,
    variables: { afterLocation, afterLevel, levels: itemsPerPage },
    data: stockSchema,
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { nodes, pageInfo: locations } = answer.data.locations;
  const [location] = nodes;
  if (location === undefined) return { ok: true, items: [], nextCursor: null };
  const { inventoryLevels: levels } = location;
  const next = levels.pageInfo.hasNextPage
    ? [afterLocation, levels.pageInfo.endCursor]
    : [locations.endCursor, null];
  const isLast = !levels.pageInfo.hasNextPage && !locations.hasNextPage;
  return {
    ok: true,
    items: levels.nodes.map((level) => itemOf(level, location)),
    nextCursor: isLast ? null : JSON.stringify(next),
  };
}

function itemOf(
  { item, quantities }: z.infer<typeof levelSchema>,
  { id, name }: { readonly id: string; readonly name: string },
): DiscoveredItem {
  return {
    externalIds: { inventoryItemId: item.id, locationId: id },
    sku: item.sku === '' ? null : item.sku,
    title: item.variants?.nodes[0]?.displayName ?? null,
    location: { id, name },
    quantity: item.tracked ? availableOf(quantities) : null,
  };
}

function readCursor(cursor: string | null): z.infer<typeof cursorSchema> | undefined {
  if (cursor === null) return [null, null];
  try {
    return cursorSchema.safeParse(JSON.parse(cursor)).data;
  } catch {
    return undefined;
  }
}
