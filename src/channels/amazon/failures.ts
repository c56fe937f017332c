import { failureOfStatus, type PublishFailure } from '../adapter.ts';

/** An answer of Amazon's that is no success. */
export type RefusedAnswer = {
  readonly httpStatus: number;
  /** Amazon's word for it; undefined where something else answered. */
  readonly errorCode: string | undefined;
  readonly retryAfter: string | undefined;
  /** What we may call of this operation, a second; undefined where it was not said. */
  readonly perSecond: number | undefined;
};

/**
 * What a refused answer means. Only Amazon's own word says something about the request: what a
 * proxy or a wall in between answers says that Amazon is not to be reached.
 */
export function failureOfAnswer(answer: RefusedAnswer, now: Date): PublishFailure {
  const { httpStatus, errorCode, perSecond } = answer;
  const failure = failureOfStatus(httpStatus, answer.retryAfter, now);
  if (httpStatus === 401 || (httpStatus === 403 && errorCode !== undefined)) {
    return {
      code: httpStatus === 401 ? 'unauthorized' : 'forbidden',
      httpStatus,
      scope: 'channel',
      isNotDone: true,
      pause: 'Amazon does not let the application do this: it has ended, or a role is missing.',
    };
  }
  if (httpStatus === 429) {
    // The bucket gets a token that often.
    const tokenMs = perSecond === undefined ? undefined : Math.ceil(1_000 / perSecond);
    const waits = [failure.retryAfterMs, tokenMs].filter((wait) => wait !== undefined);
    return {
      ...failure,
      code: 'quota_exceeded',
      scope: 'channel',
      isThrottled: true,
      isNotDone: true,
      ...(waits.length === 0 ? {} : { retryAfterMs: Math.max(...waits) }),
    };
  }
  // Nothing but a 410 of a listing: the channel goes on.
  const { pause: _, ...rest } = failure;
  if (errorCode === undefined) return { ...rest, scope: 'channel' };
  return { ...rest, code: wordOf(errorCode) };
}

/** Nobody knows whether the work was done. */
export function isUnknown({ scope, isNotDone }: PublishFailure): boolean {
  return scope === 'channel' && isNotDone !== true;
}

/** Amazon says that it has nothing of this name. */
export function isUnknownHere({ httpStatus, scope }: PublishFailure): boolean {
  return httpStatus === 404 && scope === 'request';
}

/** Amazon's word for something as one of ours; texts that are no word are not passed on. */
export function wordOf(code: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(code)) return 'amazon_error';
  return code.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

/** The code of an issue with a listing: Amazon's are numbers for the most part. */
export function issueWord(code: string | undefined): string {
  const isPlain = code !== undefined && /^[A-Za-z0-9_]{1,64}$/.test(code);
  return isPlain ? `issue_${code.toLowerCase()}` : 'issue';
}
