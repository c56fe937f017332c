import { z } from 'zod';
import type { ListingKey, PublishFailure, ReadResult } from '../adapter.ts';
import { callAmazon, type Connection } from './call-amazon.ts';
import { isUnknownHere } from './failures.ts';
import { ownFulfillment } from './quantity-patch.ts';
import { idsOf, listingsPath, type AmazonContext } from './settings.ts';

/** What one search is asked for. */
const mostSkus = 20;

export const availabilitySchema = z
  .array(
    z.object({
      fulfillmentChannelCode: z.string(),
      quantity: z.int().min(0).optional(),
    }),
  )
  .default([]);
const itemSchema = z.object({ sku: z.string(), fulfillmentAvailability: availabilitySchema });
const pageSchema = z.object({ items: z.array(itemSchema) });
type Item = z.infer<typeof itemSchema>;

/** What the seller ships of it; null where that is not said. */
export function ownQuantity(availability: z.infer<typeof availabilitySchema>): number | null {
  const own = availability.find((one) => one.fulfillmentChannelCode === ownFulfillment);
  return own?.quantity ?? null;
}

/** Reads what listings show: one alone by its name, more of them by twenties. */
export async function readListings(
  connection: Connection,
  listings: readonly ListingKey[],
  context: AmazonContext,
): Promise<ReadResult> {
  const asked = listings.map(({ externalIds }) => idsOf(externalIds)?.sku);
  const skus = [...new Set(asked.flatMap((sku) => (sku === undefined ? [] : [sku])))];
  const shown = new Map<string, number | null>();
  for (const part of partsOf(skus)) {
    const read = await readPart(connection, part, context);
    if (!read.ok) return { ok: false, failure: read.failure };
    for (const { sku, fulfillmentAvailability } of read.items) {
      shown.set(sku, ownQuantity(fulfillmentAvailability));
    }
  }
  const quantities = asked.map((sku) => (sku === undefined ? null : (shown.get(sku) ?? null)));
  return { ok: true, quantities };
}

/** A comma would end a SKU in a search: such ones are asked for alone. */
function partsOf(skus: readonly string[]): readonly (readonly string[])[] {
  const [alone, plain] = [true, false].map((has) =>
    skus.filter((sku) => sku.includes(',') === has),
  );
  const parts = (alone ?? []).map((sku) => [sku]);
  for (let from = 0; from < (plain ?? []).length; from += mostSkus) {
    parts.push((plain ?? []).slice(from, from + mostSkus));
  }
  return parts;
}

type PartResult =
  | { readonly ok: true; readonly items: readonly Item[] }
  | { readonly ok: false; readonly failure: PublishFailure };

async function readPart(
  connection: Connection,
  skus: readonly string[],
  context: AmazonContext,
): Promise<PartResult> {
  const [marketplaceIds = ''] = context.config.marketplaceIds;
  const query = { marketplaceIds, includedData: 'fulfillmentAvailability' };
  const [sku] = skus;
  if (skus.length === 1 && sku !== undefined) {
    const path = listingsPath(context.config, sku);
    const operation = 'getListingsItem';
    const request = { operation, path, query, data: itemSchema } as const;
    const answer = await callAmazon(connection, context, request);
    if (answer.ok) return { ok: true, items: [answer.data] };
    return isUnknownHere(answer.failure) ? { ok: true, items: [] } : answer;
  }
  const answer = await callAmazon(connection, context, {
    operation: 'searchListingsItems',
    path: listingsPath(context.config),
    query: {
      ...query,
      identifiers: skus.join(','),
      identifiersType: 'SKU',
      pageSize: String(mostSkus),
    },
    data: pageSchema,
  });
  if (answer.ok) return { ok: true, items: answer.data.items };
  const isUnknown = [404, 405, 501].includes(answer.failure.httpStatus ?? 0);
  return isUnknown ? await readSingly(connection, skus, context) : answer;
}

/** Where there is no search, as in some sandboxes. */
async function readSingly(
  connection: Connection,
  skus: readonly string[],
  context: AmazonContext,
): Promise<PartResult> {
  const items: Item[] = [];
  for (const sku of skus) {
    const read = await readPart(connection, [sku], context);
    if (!read.ok) return read;
    items.push(...read.items);
  }
  return { ok: true, items };
}
