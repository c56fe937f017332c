import { refuse, type Refusal } from '../errors.ts';

/** What was stored with a key. `answer` undefined: the first request is still at work. */
export type RememberedAnswer = {
  readonly fingerprint: string;
  readonly answer: { readonly status: number; readonly body: string } | undefined;
  /** Undefined: made in this very batch. */
  readonly expiresAt: Date | undefined;
};

export type KeyVerdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'replayed'; readonly answer: { status: number; body: string } }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * What a key means for a request: new, a repeat that gets the first answer again, or a refusal:
 * IDEMPOTENCY.KEY_REUSED (it came with another request), IDEMPOTENCY.IN_PROGRESS.
 */
export function judgeKey(
  remembered: RememberedAnswer | undefined,
  fingerprint: string,
  now: Date,
): KeyVerdict {
  if (remembered === undefined) return { kind: 'new' };
  if (remembered.expiresAt !== undefined && remembered.expiresAt <= now) return { kind: 'new' };
  if (remembered.fingerprint !== fingerprint) {
    return {
      kind: 'refused',
      refusal: refuse('IDEMPOTENCY.KEY_REUSED', 'The key was used for another request.'),
    };
  }
  if (remembered.answer === undefined) {
    return {
      kind: 'refused',
      refusal: refuse('IDEMPOTENCY.IN_PROGRESS', 'The first request with it is still at work.'),
    };
  }
  return { kind: 'replayed', answer: remembered.answer };
}
