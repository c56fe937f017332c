import { failureOfStatus, type PublishFailure } from '../adapter.ts';

/** What an error of eBay's says that others can rely on. */
export type EbayError = { readonly errorId: number };

/** What an answer other than 2xx of the API means. */
export function failureOfApi(
  httpStatus: number,
  errors: readonly EbayError[],
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const failure = failureOfStatus(httpStatus, retryAfter, now);
  if (httpStatus === 401) {
    return accessRefused('unauthorized', httpStatus, 'eBay does not take the access token.');
  }
  if (httpStatus === 403 && errors.length > 0) {
    const pause = 'eBay does not let the account do this: a scope or a right is missing.';
    return accessRefused('forbidden', httpStatus, pause);
  }
  if (httpStatus === 429) {
    return { ...failure, code: 'rate_limited', isThrottled: true, isNotDone: true };
  }
  const [error] = errors;
  return error === undefined ? failure : { ...failure, code: wordOf(error) };
}

/**
 * What it means when no access token was to be had. Nothing was asked of the API then.
 * @param error OAuth's word for it, where eBay answered
 */
export function failureOfToken(
  httpStatus: number,
  error: string | undefined,
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const notDone = { ...failureOfStatus(httpStatus, retryAfter, now), isNotDone: true };
  if (error === 'invalid_grant') {
    const pause = 'eBay does not take the refresh token: the seller has to consent anew.';
    return accessRefused('invalid_grant', httpStatus, pause);
  }
  if (error === 'invalid_client' || httpStatus === 401) {
    return accessRefused('invalid_client', httpStatus, 'eBay does not take the client’s secret.');
  }
  if (error === 'invalid_scope') {
    const pause = 'The seller has not consented to changes of the inventory.';
    return accessRefused('invalid_scope', httpStatus, pause);
  }
  if (httpStatus === 429) return { ...notDone, code: 'rate_limited', isThrottled: true };
  // Whoever asks later gets the same, and nobody else can do without a token either.
  return { ...notDone, code: `token_http_${httpStatus}`, scope: 'channel' };
}

function accessRefused(code: string, httpStatus: number, pause: string): PublishFailure {
  return { code, httpStatus, scope: 'channel', isNotDone: true, pause };
}

/** Errors of eBay's have numbers; texts are not passed on. */
export function wordOf({ errorId }: EbayError): string {
  return `ebay_${errorId}`;
}
