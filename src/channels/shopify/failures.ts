import { z } from 'zod';
import { failureOfStatus, type PublishFailure } from '../adapter.ts';
import { waitForPoints, type Cost } from './cost.ts';

/** A shop that its merchant has to see to first is looked at again after five minutes. */
const closedShopMs = 300_000;
/** A throttled answer without figures: the slowest bucket restores 50 points by then. */
const unknownWaitMs = 1_000;

/** Answers that say that a call was not worked at all. */
const notWorked: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'INVALID_VARIABLE',
  'INVALID_FIELD_ARGUMENTS',
  'MAX_INPUT_SIZE_EXCEEDED',
  'MAX_COST_EXCEEDED',
]);

/** What Shopify says is wrong. Pages of what stands before it, such as a firewall, are no JSON. */
const saysErrors = z.object({
  errors: z.union([z.string(), z.array(z.unknown()), z.looseObject({})]),
});

function accessRefused(code: string): PublishFailure {
  const pause =
    code === 'unauthorized'
      ? 'Shopify does not take the access token.'
      : 'Shopify does not let the access token do this: a scope is missing.';
  return { code, scope: 'channel', isNotDone: true, pause };
}

/** Frozen or locked: it opens again by its merchant's doing, and no attempt is lost until then. */
function shopClosed(code: string): PublishFailure {
  const waits = { isThrottled: true, isNotDone: true, retryAfterMs: closedShopMs };
  return { code, scope: 'channel', ...waits };
}

/** What an answer other than 200 means. */
export function failureOfHttp(
  httpStatus: number,
  { retryAfter, text }: { readonly retryAfter: string | undefined; readonly text: string },
  now: Date,
): PublishFailure {
  if (httpStatus === 401) return { ...accessRefused('unauthorized'), httpStatus };
  const isShopifys = saysErrors.safeParse(jsonOf(text)).success;
  if (httpStatus === 403 && isShopifys) return { ...accessRefused('forbidden'), httpStatus };
  if (httpStatus === 402) return { ...shopClosed('shop_frozen'), httpStatus };
  if (httpStatus === 423) return { ...shopClosed('shop_locked'), httpStatus };
  const failure = failureOfStatus(httpStatus, retryAfter, now);
  if (httpStatus === 429) {
    return { retryAfterMs: unknownWaitMs, ...failure, isThrottled: true, isNotDone: true };
  }
  // There is one address for everything: what is wrong with it is wrong for every call.
  return httpStatus < 400 || httpStatus === 403 || httpStatus === 404
    ? { ...failure, scope: 'channel', isNotDone: true }
    : failure;
}

/** What GraphQL errors in an answer of 200 mean, by the code of the first. */
export function failureOfErrors(
  codes: readonly (string | undefined)[],
  cost: Cost | undefined,
): PublishFailure {
  const httpStatus = 200;
  if (codes.includes('THROTTLED')) {
    const retryAfterMs =
      cost === undefined ? unknownWaitMs : waitForPoints(cost.requestedQueryCost, cost);
    const waits = { isThrottled: true, isNotDone: true, retryAfterMs };
    return { code: 'throttled', httpStatus, scope: 'channel', ...waits };
  }
  const [code] = codes;
  if (code === 'ACCESS_DENIED') return { ...accessRefused('forbidden'), httpStatus };
  if (code === 'SHOP_INACTIVE') return { ...shopClosed('shop_frozen'), httpStatus };
  if (code !== undefined && notWorked.has(code)) {
    return { code: wordOf(code), httpStatus, scope: 'request', isNotDone: true };
  }
  return { code: wordOf(code ?? 'graphql_error'), httpStatus, scope: 'channel' };
}

/** Shopify's word for something as one of ours; texts that are no word are not passed on. */
export function wordOf(code: string): string {
  return /^[A-Za-z_]{1,64}$/.test(code) ? code.toLowerCase() : 'graphql_error';
}

/** What a text says; undefined where it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
