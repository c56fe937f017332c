import { z } from 'zod';
import type { EbayAnswer, Ebay } from './call-ebay.ts';
import { callEbay } from './call-ebay.ts';
import type { EbayContext } from './settings.ts';

/** No such offer, by eBay's usual number for it. */
const unknownOffer = 25_713;

/** Whether eBay says that there is no such thing; a 404 of somebody else's says nothing of it. */
export function isUnknown(answer: EbayAnswer<unknown>): boolean {
  if (answer.ok || answer.errors.length === 0) return false;
  const isNumbered = answer.errors.some(({ errorId }) => errorId === unknownOffer);
  return isNumbered || answer.failure.httpStatus === 404;
}

/** An offer as eBay has it; what is not named here is kept and sent back as it was. */
export const offerSchema = z.looseObject({
  offerId: z.string(),
  sku: z.string().optional(),
  marketplaceId: z.string().optional(),
  /** Some answers leave it out of offers that have a listing. */
  status: z.string().nullish(),
  availableQuantity: z.int().nullish(),
  listing: z
    .object({ listingId: z.string().optional(), listingStatus: z.string().optional() })
    .nullish(),
});
export type Offer = z.infer<typeof offerSchema>;

/** The words for a listing that buyers can see; `OUT_OF_STOCK` ones are hidden and not ended. */
const endedWords: ReadonlySet<string> = new Set(['ENDED', 'EBAY_ENDED', 'NOT_LISTED', 'INACTIVE']);

export function isPublished({ status, listing }: Offer): boolean {
  return (status ?? 'PUBLISHED') === 'PUBLISHED' && !endedWords.has(listing?.listingStatus ?? '');
}

/** What buyers can buy by an offer: nothing of one without a listing; null: eBay does not say. */
export function shownBy(offer: Offer): number | null {
  return isPublished(offer) ? (offer.availableQuantity ?? null) : 0;
}

/** Reads an offer; null: eBay has none of this id. */
export async function readOffer(
  ebay: Ebay,
  context: EbayContext,
  offerId: string,
): Promise<EbayAnswer<Offer | null>> {
  const answer = await callEbay(ebay, context, {
    method: 'GET',
    path: `offer/${offerId}`,
    data: offerSchema,
  });
  if (answer.ok) return answer;
  return isUnknown(answer) ? { ok: true, httpStatus: 404, data: null } : answer;
}
