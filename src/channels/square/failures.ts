import { failureOfStatus, type PublishFailure } from '../adapter.ts';

/** What an error says that others can rely on. */
export type SquareError = {
  readonly category: string;
  readonly code: string;
  /** Such as `changes[0].physical_count.location_id`; not always there. */
  readonly field?: string | undefined;
};

const tokenCodes: ReadonlySet<string> = new Set([
  'UNAUTHORIZED',
  'ACCESS_TOKEN_EXPIRED',
  'ACCESS_TOKEN_REVOKED',
  'CLIENT_DISABLED',
  'APPLICATION_DISABLED',
]);
const scopeCodes: ReadonlySet<string> = new Set(['FORBIDDEN', 'INSUFFICIENT_SCOPES']);

/** What errors mean, by the first of them; none where something else than Square answered. */
export function failureOfErrors(
  httpStatus: number,
  errors: readonly SquareError[],
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const [error] = errors;
  const failure = failureOfStatus(httpStatus, retryAfter, now);
  if (httpStatus === 401 || tokenCodes.has(error?.code ?? '')) {
    return accessRefused('unauthorized', httpStatus, 'Square does not take the access token.');
  }
  if (error !== undefined && scopeCodes.has(error.code)) {
    const pause = 'Square does not let the access token do this: a permission is missing.';
    return accessRefused('forbidden', httpStatus, pause);
  }
  if (httpStatus === 429 || error?.category === 'RATE_LIMIT_ERROR') {
    return {
      ...failure,
      code: 'rate_limited',
      scope: 'channel',
      isThrottled: true,
      isNotDone: true,
    };
  }
  if (error === undefined) return failure;
  return { ...failure, code: wordOf(error.code) };
}

function accessRefused(code: string, httpStatus: number, pause: string): PublishFailure {
  return { code, httpStatus, scope: 'channel', isNotDone: true, pause };
}

/** Square's word for something as one of ours; texts that are no word are not passed on. */
export function wordOf(code: string): string {
  return /^[A-Za-z0-9_]{1,64}$/.test(code) ? code.toLowerCase() : 'square_error';
}
