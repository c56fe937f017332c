import type { Change, Confirmation, PublishFailure } from '../adapter.ts';

/** What became of an operation, or why nobody can say. */
export type ConfirmResult =
  Confirmation | { readonly kind: 'failed'; readonly failure: PublishFailure };

/** Nothing of it can be relied on. */
export function sendAgain(changes: readonly Change[], code: string): Confirmation {
  return { kind: 'done', outcomes: changes.map(() => ({ kind: 'retry', code })) };
}
