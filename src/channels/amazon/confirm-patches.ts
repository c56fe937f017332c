import type { Change, ChangeOutcome } from '../adapter.ts';
import type { Connection } from './call-amazon.ts';
import type { ConfirmResult } from './confirm-result.ts';
import type { Operation } from './operations.ts';
import { readListings } from './read-listings.ts';
import type { AmazonContext } from './settings.ts';
import type { Waits } from './waits.ts';

type Patches = Exclude<Operation, { kind: 'feed' }>;

/**
 * Looks whether listings show what they were changed to: only then a change is applied, and only
 * when it is not under way any more. A figure that is neither ours nor the one before is what is
 * left after a sale, or somebody else's.
 */
export async function confirmPatches(
  connection: Connection,
  waits: Waits,
  operation: Patches,
  changes: readonly Change[],
  context: AmazonContext,
): Promise<ConfirmResult> {
  const read = await readListings(connection, changes, context);
  if (!read.ok) return { kind: 'failed', failure: read.failure };
  const ageMs = Math.max(context.now().getTime() - operation.since, 0);
  const outcomes: ChangeOutcome[] = [];
  for (const [index, change] of changes.entries()) {
    const shown = read.quantities[index] ?? null;
    const outcome = outcomeOf(change, shown, ageMs, operation.kind, waits);
    // Farther apart each time; what is waited for is seldom late.
    if (outcome === undefined) {
      return { kind: 'pending', retryAfterMs: Math.ceil(Math.max(waits.shownMs, ageMs / 4)) };
    }
    outcomes.push(outcome);
  }
  return { kind: 'done', outcomes };
}

/** Undefined: it is not known yet. */
function outcomeOf(
  { available, previous }: Change,
  shown: number | null,
  ageMs: number,
  kind: Patches['kind'],
  waits: Waits,
): ChangeOutcome | undefined {
  // What may have been sent twice, and what was shown before, can come once more, over something
  // newer: it is left time to.
  const isProof = kind === 'patch' || (kind === 'unanswered' && isNew(available, previous));
  if (shown === available) {
    return isProof || ageMs >= waits.unansweredMs ? { kind: 'applied' } : undefined;
  }
  if (kind === 'unanswered') {
    if (ageMs < waits.unansweredMs) return undefined;
    return { kind: 'retry', code: 'unanswered', retryAfterMs: 0 };
  }
  // Where nothing is known of the one before, it may still be that.
  const isOther = shown !== null && shown !== previous;
  const patienceMs = isOther && previous !== null ? waits.otherMs : waits.acceptedMs;
  if (ageMs < patienceMs) return undefined;
  if (isOther) return { kind: 'stale', observed: shown };
  return { kind: 'retry', code: 'not_shown', retryAfterMs: 0 };
}

/** Whether a listing shows the figure only when the change was applied. */
function isNew(available: number, previous: number | null): boolean {
  return previous !== null && previous !== available;
}
