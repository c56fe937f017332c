import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { ListingKey, PublishFailure, ReadResult } from '../adapter.ts';
import { callGraphql } from './call-graphql.ts';
import { waitForPoints, type Cost } from './cost.ts';
import { levelsDocument } from './documents.ts';
import { idsOf, keyOfIds, type ShopifyContext, type ShopifyIds } from './settings.ts';

/** A query may cost 1,000 points. By Shopify's rules an item costs some 3 here: far enough away. */
const itemsPerQuery = 100;

export const quantitiesSchema = z.array(z.object({ name: z.string(), quantity: z.int() }));

const levelsSchema = z.object({
  nodes: z.array(
    z
      .object({
        id: z.string().optional(),
        inventoryLevel: z.object({ quantities: quantitiesSchema }).nullable().default(null),
      })
      .nullable(),
  ),
});

/** What can be sold of it, as Shopify says; null where it does not say. */
export function availableOf(quantities: z.infer<typeof quantitiesSchema>): number | null {
  return quantities.find(({ name }) => name === 'available')?.quantity ?? null;
}

export type LevelsRead =
  | {
      readonly ok: true;
      /** In the order asked for; null: not stocked there. */
      readonly quantities: readonly (number | null)[];
      readonly cost: Cost | undefined;
    }
  | { readonly ok: false; readonly failure: PublishFailure };

/** Reads what items show at their locations: one query for each location and 100 items. */
export async function readLevels(
  client: HttpClient,
  context: ShopifyContext,
  wanted: readonly ShopifyIds[],
): Promise<LevelsRead> {
  const shown = new Map<string, number | null>();
  const queries = queriesFor(wanted);
  let cost: Cost | undefined;
  for (const variables of queries) {
    const answer = await callGraphql(client, context, {
      document: levelsDocument,
      variables,
      data: levelsSchema,
    });
    if (!answer.ok) return { ok: false, failure: waitForAll(answer, queries.length) };
    ({ cost } = answer);
    for (const node of answer.data.nodes) {
      if (node?.id === undefined || node.inventoryLevel === null) continue;
      const key = keyOfIds({ inventoryItemId: node.id, locationId: variables.locationId });
      shown.set(key, availableOf(node.inventoryLevel.quantities));
    }
  }
  return { ok: true, quantities: wanted.map((ids) => shown.get(keyOfIds(ids)) ?? null), cost };
}

function queriesFor(
  wanted: readonly ShopifyIds[],
): readonly { readonly ids: readonly string[]; readonly locationId: string }[] {
  const byLocation = Map.groupBy(wanted, ({ locationId }) => locationId);
  return [...byLocation].flatMap(([locationId, group]) => {
    const ids = [...new Set(group.map(({ inventoryItemId }) => inventoryItemId))];
    const pages = Math.ceil(ids.length / itemsPerQuery);
    return Array.from({ length: pages }, (_, page) => ({
      ids: ids.slice(page * itemsPerQuery, (page + 1) * itemsPerQuery),
      locationId,
    }));
  });
}

/** It starts from the beginning then: a wait for one query's points would never be enough. */
function waitForAll(
  { failure, cost }: { readonly failure: PublishFailure; readonly cost: Cost | undefined },
  queries: number,
): PublishFailure {
  if (failure.isThrottled !== true || cost === undefined) return failure;
  return { ...failure, retryAfterMs: waitForPoints(cost.requestedQueryCost * queries, cost) };
}

/** Reads what Shopify shows for listings. Those that are not mapped are not there. */
export async function readListings(
  client: HttpClient,
  listings: readonly ListingKey[],
  context: ShopifyContext,
): Promise<ReadResult> {
  const ids = listings.map(({ externalIds }) => idsOf(externalIds));
  const wanted = ids.flatMap((one) => one ?? []);
  const read = await readLevels(client, context, wanted);
  if (!read.ok) return read;
  const shown = new Map(wanted.map((one, index) => [one, read.quantities[index] ?? null]));
  return {
    ok: true,
    quantities: ids.map((one) => (one === undefined ? null : (shown.get(one) ?? null))),
  };
}
