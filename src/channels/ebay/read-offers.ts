import type { ListingKey, PublishFailure, ReadResult } from '../adapter.ts';
import type { Ebay } from './call-ebay.ts';
import { readOffer, shownBy } from './offers.ts';
import { idsOf, type EbayContext } from './settings.ts';

/** Offers can only be read one by one; so many at once. */
const lanes = 4;

/** Reads what listings show. */
export async function readListings(
  ebay: Ebay,
  listings: readonly ListingKey[],
  context: EbayContext,
): Promise<ReadResult> {
  const quantities: (number | null)[] = listings.map(() => null);
  let failure: PublishFailure | undefined;
  const open = [...listings.entries()];
  const lane = async (): Promise<void> => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const [index, { externalIds }] = next;
      const ids = idsOf(externalIds);
      if (ids === undefined) continue;
      const answer = await readOffer(ebay, context, ids.offerId);
      if (failure !== undefined) return;
      if (!answer.ok) failure = answer.failure;
      else if (answer.data !== null) quantities[index] = shownBy(answer.data);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return failure === undefined ? { ok: true, quantities } : { ok: false, failure };
}
