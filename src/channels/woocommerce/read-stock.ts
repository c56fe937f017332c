import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { ListingKey, ReadResult } from '../adapter.ts';
import { callStore } from './call-store.ts';
import { idsOf, keyOfIds, type WooContext, type WooIds } from './settings.ts';
import { partsOf, workParts } from './work-parts.ts';

export const stockFields = {
  id: z.number(),
  sku: z.string().nullish(),
  manage_stock: z.union([z.boolean(), z.literal('parent')]).optional(),
  stock_quantity: z.number().nullable(),
};
const stockSchema = z.array(z.object(stockFields));

/** What a product shows; null: the shop does not count it. */
export function quantityOf({
  manage_stock: isManaged,
  stock_quantity: quantity,
}: Pick<z.infer<typeof stockSchema>[number], 'manage_stock' | 'stock_quantity'>): number | null {
  return isManaged === true && quantity !== null ? Math.floor(quantity) : null;
}

/** Reads what the shop shows: products together, variations product by product. */
export async function readListings(
  client: HttpClient,
  listings: readonly ListingKey[],
  context: WooContext,
): Promise<ReadResult> {
  const known = listings.map(({ externalIds }) => idsOf(externalIds));
  const items = known.flatMap((ids) => (ids === undefined ? [] : [{ ids }]));
  const worked = await workParts(partsOf(items), (part) =>
    callStore(client, context, {
      path: part.path,
      query: {
        include: part.items.map(({ ids }) => keyOfIds(ids)).join(','),
        per_page: '100',
        _fields: Object.keys(stockFields).join(','),
      },
      data: stockSchema,
    }),
  );
  const shown = new Map<string, number | null>();
  for (const part of worked) {
    if ('failure' in part) return { ok: false, failure: part.failure };
    for (const item of part.data) shown.set(String(item.id), quantityOf(item));
  }
  const quantities = known.map((ids: WooIds | undefined) => {
    return ids === undefined ? null : (shown.get(keyOfIds(ids)) ?? null);
  });
  return { ok: true, quantities };
}
