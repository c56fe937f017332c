import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { ListingKey, PublishFailure, ReadResult } from '../adapter.ts';
import { callSquare } from './call-square.ts';
import { idsOf, keyOfIds, type SquareContext, type SquareIds } from './settings.ts';

const perPage = 1_000;
/** What one request asks for: some thousands of counts at the most. */
const mostIds = 500;

export const countSchema = z.object({
  catalog_object_id: z.string(),
  location_id: z.string(),
  state: z.string(),
  /** A decimal text: Square also counts what is weighed. */
  quantity: z.string().regex(/^-?\d+(\.\d+)?$/),
  calculated_at: z.string().optional(),
});
export type Count = z.infer<typeof countSchema>;

const pageSchema = z.object({
  counts: z.array(countSchema).default([]),
  cursor: z.string().optional(),
});

/** Whole units in stock, by {@link keyOfIds}. Other states of stock are none that can be sold. */
export function inStock(counts: readonly Count[]): ReadonlyMap<string, number> {
  const own = counts.filter(({ state }) => state === 'IN_STOCK');
  return new Map(own.map((count) => [keyOfCount(count), Math.floor(Number(count.quantity))]));
}

export function keyOfCount(count: Count): string {
  return keyOfIds({ catalogObjectId: count.catalog_object_id, locationId: count.location_id });
}

type CountsResult =
  | { readonly ok: true; readonly shown: ReadonlyMap<string, number> }
  | { readonly ok: false; readonly failure: PublishFailure };

/** Reads what some items show at some locations, page by page. Never counted: not among them. */
export async function readCounts(
  client: HttpClient,
  context: SquareContext,
  about: { readonly catalogObjectIds: readonly string[]; readonly locationIds: readonly string[] },
): Promise<CountsResult> {
  const shown = new Map<string, number>();
  for (let from = 0; from < about.catalogObjectIds.length; from += mostIds) {
    let cursor: string | undefined;
    do {
      const answer = await callSquare(client, context, {
        path: '/v2/inventory/counts/batch-retrieve',
        body: {
          catalog_object_ids: about.catalogObjectIds.slice(from, from + mostIds),
          location_ids: about.locationIds,
          states: ['IN_STOCK'],
          limit: perPage,
          ...(cursor === undefined ? {} : { cursor }),
        },
        data: pageSchema,
      });
      if (!answer.ok) return { ok: false, failure: answer.failure };
      for (const [key, quantity] of inStock(answer.data.counts)) shown.set(key, quantity);
      cursor = answer.data.cursor;
    } while (cursor !== undefined && cursor !== '');
  }
  return { ok: true, shown };
}

/** Reads what listings show, location by location. */
export async function readListings(
  client: HttpClient,
  listings: readonly ListingKey[],
  context: SquareContext,
): Promise<ReadResult> {
  const known = listings.map(({ externalIds }) => idsOf(externalIds));
  const mapped = known.filter((ids): ids is SquareIds => ids !== undefined);
  const shown = new Map<string, number>();
  for (const [locationId, own] of Map.groupBy(mapped, (ids) => ids.locationId)) {
    const catalogObjectIds = own.map((ids) => ids.catalogObjectId);
    const read = await readCounts(client, context, { catalogObjectIds, locationIds: [locationId] });
    if (!read.ok) return read;
    for (const [key, quantity] of read.shown) shown.set(key, quantity);
  }
  const quantities = known.map((ids) => {
    return ids === undefined ? null : (shown.get(keyOfIds(ids)) ?? null);
  });
  return { ok: true, quantities };
}
