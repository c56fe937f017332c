import { z } from 'zod';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { errorAnswer } from './errors.ts';
import {
  isOverspent,
  newListing,
  setQuantity,
  type AccountState,
  type EmulatedOffer,
} from './state.ts';

const updateSchema = z.looseObject({ availableQuantity: z.int().min(0) });

/** `getOffer`, `updateOffer`, `publishOffer` and `withdrawOffer`. */
export function offerCall(
  { method, path, body }: EmulatedRequest,
  state: AccountState,
  now: number,
): EmulatedAnswer | undefined {
  const [, offerId = '', verb = ''] = /^\/offer\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
  if (offerId === '') return undefined;
  const offer = state.offers[offerId];
  if (offer === undefined) return errorAnswer(404, 25_713);
  switch (`${method} ${verb}`) {
    case 'GET ':
      return { status: 200, body: offerBody(offer) };
    case 'PUT ':
      return update(body, offer, state, now);
    case 'POST publish':
      return publish(offer, state, now);
    case 'POST withdraw':
      return withdraw(offer, state, now);
    default:
      return undefined;
  }
}

export function offerBody(offer: EmulatedOffer): Record<string, unknown> {
  const { details, listingId, listingStatus, ...rest } = offer;
  const listing = listingId === null ? {} : { listing: { listingId, listingStatus } };
  return { ...rest, ...details, ...listing };
}

/** The whole offer is replaced: what is not sent is lost. */
function update(
  text: string,
  offer: EmulatedOffer,
  state: AccountState,
  now: number,
): EmulatedAnswer {
  const body = updateSchema.safeParse(JSON.parse(text)).data;
  if (body === undefined) return errorAnswer(400, 25_002);
  const { availableQuantity: quantity, ...details } = body;
  if (offer.status === 'PUBLISHED' && offer.listingId !== null) {
    if (isOverspent(state, offer.listingId, now)) return errorAnswer(400, 25_002);
    setQuantity(state, offer, { quantity, by: 'api', at: now });
  } else offer.availableQuantity = quantity;
  offer.details = { format: offer.details['format'], ...details };
  return { status: 200, body: { offerId: offer.offerId, warnings: [] } };
}

function publish(offer: EmulatedOffer, state: AccountState, now: number): EmulatedAnswer {
  const { availableQuantity: quantity, details, status } = offer;
  const isWhole = quantity > 0 && 'categoryId' in details && 'pricingSummary' in details;
  if (status === 'PUBLISHED' || !isWhole) return errorAnswer(400, 25_002);
  offer.status = 'PUBLISHED';
  offer.listingId = newListing(state);
  setQuantity(state, offer, { quantity, by: 'api', at: now });
  return { status: 200, body: { listingId: offer.listingId, warnings: [] } };
}

function withdraw(offer: EmulatedOffer, state: AccountState, now: number): EmulatedAnswer {
  const { listingId } = offer;
  if (offer.status !== 'PUBLISHED' || listingId === null) return errorAnswer(400, 25_002);
  offer.status = 'UNPUBLISHED';
  offer.listingId = null;
  (state.facts[offer.offerId] ??= []).push({ quantity: 0, by: 'api', at: now });
  return { status: 200, body: { listingId } };
}
