import { z } from 'zod';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callEbay, type Ebay } from './call-ebay.ts';
import { isUnknown, offerSchema, shownBy, type Offer } from './offers.ts';
import { addressOf, type EbayContext } from './settings.ts';

/** Offers have to be asked for SKU by SKU. */
const perPage = 25;

const itemsSchema = z.object({
  inventoryItems: z
    .array(
      z.object({ sku: z.string(), product: z.object({ title: z.string().nullish() }).nullish() }),
    )
    .default([]),
  total: z.int().min(0),
  next: z.string().nullish(),
});
const offersSchema = z.object({ offers: z.array(offerSchema).default([]) });

/**
 * Lists a page of the inventory: each item as often as it is offered. eBay's `offset` counts pages,
 * that of others who speak its language records: where the answer says what is next, that is asked
 * for, and else what comes after the records that were seen.
 * @param cursor the offset, and how many items came before it
 */
export async function discover(
  ebay: Ebay,
  cursor: string | null,
  context: EbayContext,
): Promise<DiscoverResult> {
  const [offset = '0', before = offset] = (cursor ?? '0').split(':');
  const page = await callEbay(ebay, context, {
    method: 'GET',
    path: `inventory_item?limit=${perPage}&offset=${offset}`,
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
  const { inventoryItems: listed, total, next } = page.data;
  const seen = Number(before) + listed.length;
  const told = next ? offsetAfter(Number(offset), next, context) : undefined;
  const isLast =
    listed.length === 0 || (told === undefined && (seen >= total || listed.length < perPage));
  const following = told ?? Number(offset) + perPage;
  return { ok: true, items, nextCursor: isLast ? null : `${following}:${seen}` };
}

/** The offset of the next page's address; undefined where it leads no further. */
function offsetAfter(
  current: number,
  address: string,
  { config }: EbayContext,
): number | undefined {
  const offset = URL.parse(address, addressOf(config))?.searchParams.get('offset') ?? '';
  return /^\d{1,9}$/.test(offset) && Number(offset) > current ? Number(offset) : undefined;
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
