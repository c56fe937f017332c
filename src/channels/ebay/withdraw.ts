import { z } from 'zod';
import type { Change, ChangeOutcome, PublishFailure } from '../adapter.ts';
import { callEbay, type Ebay, type EbayAnswer } from './call-ebay.ts';
import { refusalOf } from './item-outcome.ts';
import { isPublished, readOffer, type Offer } from './offers.ts';
import type { EbayContext } from './settings.ts';

/** What became of a change; `revise`: its offer has a listing, which takes the figure. */
export type Republished =
  | { readonly kind: 'known'; readonly outcome: ChangeOutcome }
  | { readonly kind: 'revise' }
  | { readonly kind: 'failed'; readonly failure: PublishFailure };

/** Whether a change may end a listing, or has to bring one back, where 0 is shown by none. */
export function isAboutListing({ available, previous }: Change): boolean {
  return available === 0 || previous === null || previous === 0;
}

/**
 * Ends the listing of an offer of which nothing is left, and makes a new one when there is
 * something again. What the offer is now is read first: a repeat finds done what was done.
 */
export async function republish(
  ebay: Ebay,
  change: Change,
  offerId: string,
  context: EbayContext,
): Promise<Republished> {
  const read = await readOffer(ebay, context, offerId);
  if (!read.ok) return { kind: 'failed', failure: read.failure };
  const offer = read.data;
  if (offer === null) return known({ kind: 'refused', code: 'offer_unknown' });
  if (isPublished(offer)) {
    if (change.available > 0) return { kind: 'revise' };
    return outcomeOf(change, await post(ebay, context, `offer/${offerId}/withdraw`));
  }
  if (change.available === 0) return known({ kind: 'unchanged' });
  const updated = await callEbay(ebay, context, {
    method: 'PUT',
    path: `offer/${offerId}`,
    body: { ...changeable(offer), availableQuantity: change.available },
    data: z.unknown(),
  });
  if (!updated.ok) return outcomeOf(change, updated);
  return outcomeOf(change, await post(ebay, context, `offer/${offerId}/publish`));
}

function post(ebay: Ebay, context: EbayContext, path: string): Promise<EbayAnswer<unknown>> {
  return callEbay(ebay, context, { method: 'POST', path, data: z.unknown() });
}

/** An offer is replaced whole: all of it is sent again but what cannot be changed. */
function changeable(offer: Offer): Record<string, unknown> {
  const fixed = new Set(['offerId', 'sku', 'marketplaceId', 'format', 'listing', 'status']);
  return Object.fromEntries(Object.entries(offer).filter(([name]) => !fixed.has(name)));
}

function outcomeOf(change: Change, answer: EbayAnswer<unknown>): Republished {
  if (answer.ok) return known({ kind: 'applied' });
  const { failure, errors } = answer;
  const { httpStatus = 0 } = failure;
  const isAboutOffer = failure.scope === 'request' && errors.length > 0;
  if (!isAboutOffer) return { kind: 'failed', failure };
  return known(refusalOf(change, httpStatus, errors[0]));
}

function known(outcome: ChangeOutcome): Republished {
  return { kind: 'known', outcome };
}
