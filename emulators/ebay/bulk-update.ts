import { z } from 'zod';
import type { EmulatedAnswer } from '../emulator.ts';
import { errorAnswer, errorBody } from './errors.ts';
import { isOverspent, setQuantity, type AccountState } from './state.ts';

const mostOffers = 25;

const bodySchema = z.strictObject({
  requests: z
    .array(
      z.strictObject({
        sku: z.string().optional(),
        offers: z
          .array(z.strictObject({ offerId: z.string(), availableQuantity: z.int().min(0) }))
          .min(1),
      }),
    )
    .min(1),
});
type Asked = { readonly offerId: string; readonly availableQuantity: number };

/**
 * `bulkUpdatePriceQuantity`, quantities of offers only: at most 25, each taken or refused by
 * itself. Where one is refused the whole answer is 207.
 */
export function bulkUpdate(text: string, state: AccountState, now: number): EmulatedAnswer {
  const body = bodySchema.safeParse(jsonOf(text)).data;
  if (body === undefined) return invalid(state, 'a body that eBay does not take');
  const isOthers = body.requests.some(
    ({ sku, offers }) =>
      sku !== undefined && offers.some(({ offerId }) => state.offers[offerId]?.sku !== sku),
  );
  if (isOthers) return invalid(state, 'an offer of another SKU');
  const asked = body.requests.flatMap(({ offers }) => offers);
  if (asked.length > mostOffers) return invalid(state, `${asked.length} offers in one call`);
  const skus = new Set(asked.map(({ offerId }) => state.offers[offerId]?.sku));
  if (state.oneSkuPerCall && skus.size > 1) return errorAnswer(400, 25_002);
  const responses = asked.map((one) => respond(one, state, now));
  const isMixed = responses.some(({ statusCode }) => statusCode !== 200);
  return { status: isMixed ? 207 : 200, body: { responses } };
}

type Response = {
  readonly offerId: string;
  readonly sku?: string;
  readonly statusCode: number;
  readonly errors: readonly unknown[];
};

function respond(asked: Asked, state: AccountState, now: number): Response {
  const { offerId, availableQuantity: quantity } = asked;
  const offer = state.offers[offerId];
  const refuse = (statusCode: number, errorId: number): Response => {
    return { offerId, statusCode, errors: [errorBody(errorId)] };
  };
  if (offer === undefined) return refuse(404, 25_713);
  const hasListing = offer.status === 'PUBLISHED' && offer.listingStatus !== 'ENDED';
  if (!hasListing || offer.listingId === null) return refuse(400, 25_002);
  const isVariation =
    Object.values(state.offers).filter(({ listingId }) => listingId === offer.listingId).length > 1;
  if (quantity === 0 && !state.outOfStockControl && !isVariation) return refuse(400, 25_004);
  if (isOverspent(state, offer.listingId, now)) return refuse(400, 25_002);
  setQuantity(state, offer, { quantity, by: 'api', at: now });
  return { offerId, sku: offer.sku, statusCode: 200, errors: [] };
}

function invalid(state: AccountState, why: string): EmulatedAnswer {
  state.invalid.push(why);
  return errorAnswer(400, 25_002);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
