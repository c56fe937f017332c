import { failureOfStatus, type PublishFailure } from '../adapter.ts';

/** WordPress says it of an address that it has not. */
const noRoute = 'rest_no_route';

/**
 * What an answer other than 2xx means.
 * @param code WordPress' own, where it answered; other software in front of it has none
 */
export function failureOfHttp(
  httpStatus: number,
  code: string | undefined,
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const failure = failureOfStatus(httpStatus, retryAfter, now);
  if (httpStatus === 401 || (httpStatus === 403 && code !== undefined)) {
    return {
      code: httpStatus === 401 ? 'unauthorized' : 'forbidden',
      httpStatus,
      scope: 'channel',
      isNotDone: true,
      pause:
        httpStatus === 401
          ? 'WooCommerce does not take the key, or the key may not write.'
          : 'WooCommerce does not let the owner of the key do this.',
    };
  }
  if (httpStatus === 429) return { ...failure, isThrottled: true, isNotDone: true };
  // No WooCommerce there, something in front of it that keeps us out, or it has moved.
  const isPlace = httpStatus < 400 || httpStatus === 403 || httpStatus === 404;
  if (isPlace) return { ...failure, code: placeCode(httpStatus, code), scope: 'channel' };
  return failure;
}

function placeCode(httpStatus: number, code: string | undefined): string {
  return code === noRoute ? noRoute : `http_${httpStatus}`;
}

/** WooCommerce's word for something as one of ours; texts that are no word are not passed on. */
export function wordOf(code: string): string {
  return /^[A-Za-z0-9_]{1,64}$/.test(code) ? code.toLowerCase() : 'woocommerce_error';
}
