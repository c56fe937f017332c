import { z } from 'zod';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callEbay, type Ebay } from './call-ebay.ts';
import { isUnknown, offerSchema, shownBy, type Offer } from './offers.ts';
import type { EbayContext } from './settings.ts';

/** Offers have to be asked for SKU by SKU. */
const perPage = 25;

const itemsSchema = z.object({
  inventoryItems: z
    .array(
      z.object({ sku: z.string(), product: z.object({ title: z.string().nullish() }).nullish() }),
    )
    .default([]),
  total: z.int().min(0),
});
const offersSchema = z.object({ offers: z.array(offerSchema).default([]) });

/** Lists a page of the inventory: each item as often as it is offered. */
export async function discover(
  ebay: Ebay,
  cursor: string | null,
  context: EbayContext,
): Promise<DiscoverResult> {
  const from = Number(cursor ?? '0');
  const page = await callEbay(ebay, context, {
    method: 'GET',
    path: `inventory_item?limit=${perPage}&offset=${from}`,
    data: itemsSchema,
  });
  if (!page.ok) return { ok: false, failure: page.failure };
  const items: DiscoveredItem[] = [];
  for (const { sku, product } of page.data.inventoryItems) {
    const answer = await callEbay(ebay, context, {
      method: 'GET',
      path: `offer?sku=${encodeURIComponent(sku)}`,
      data: offersSchema,
    });
    // eBay has no empty list of a SKU that is not offered anywhere.
    if (isUnknown(answer)) continue;
    if (!answer.ok) return { ok: false, failure: answer.failure };
    items.push(...answer.data.offers.map((offer) => itemOf(offer, sku, product?.title ?? null)));
  }
  const next = from + perPage;
  const isLast = next >= page.data.total || page.data.inventoryItems.length === 0;
  return { ok: true, items, nextCursor: isLast ? null : String(next) };
}

function itemOf(offer: Offer, sku: string, title: string | null): DiscoveredItem {
  const { offerId, marketplaceId, listing } = offer;
  const listingId = listing?.listingId;
  return {
    externalIds: { sku, offerId, ...(listingId === undefined ? {} : { listingId }) },
    sku,
    title,
    ...(marketplaceId === undefined ? {} : { location: { id: marketplaceId, name: null } }),
    quantity: shownBy(offer),
  };
}
