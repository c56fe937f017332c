import type { ChangeOutcome, PublishResult, Step } from '../channels/index.ts';

/** What became of one listing's part of a call. */
export type StepOutcome =
  | { readonly kind: 'settled' }
  /** The channel will apply it, and is asked by this name when. */
  | { readonly kind: 'accepted'; readonly operation: string }
  /** The channel shows something else than was thought, and kept it. */
  | { readonly kind: 'observed'; readonly observed: number; readonly code: 'stale' }
  | Extract<ChangeOutcome, { readonly kind: 'retry' | 'refused' }>;

const settled: StepOutcome = { kind: 'settled' };

/**
 * What became of each step of a call.
 * @param canConfirm whether the adapter can be asked for operations; else what was accepted counts
 *   as shown
 */
export function outcomesOfSteps(
  steps: readonly Step[],
  result: PublishResult,
  canConfirm: boolean,
): ReadonlyMap<Step, StepOutcome> {
  const outcomes = new Map<Step, StepOutcome>();
  let position = 0;
  for (const step of steps) {
    const from = position;
    position += step.changes.length;
    if (step.changes.length === 0) outcomes.set(step, settled);
    else if (!result.ok) outcomes.set(step, { kind: 'retry', code: result.failure.code });
    else outcomes.set(step, outcomeOf(step, result.outcomes?.slice(from, position), canConfirm));
  }
  return outcomes;
}

/** All changes of a step, or the first that was not taken. */
function outcomeOf(
  step: Step,
  outcomes: readonly ChangeOutcome[] | undefined,
  canConfirm: boolean,
): StepOutcome {
  for (const [index, outcome] of (outcomes ?? []).entries()) {
    if (outcome.kind === 'retry' || outcome.kind === 'refused') return outcome;
    if (outcome.kind !== 'stale' || outcome.observed === undefined) continue;
    // It shows what we wanted it to show.
    if (outcome.observed === step.changes[index]?.available) continue;
    return { kind: 'observed', observed: outcome.observed, code: 'stale' };
  }
  const accepted = outcomes?.findLast((outcome) => outcome.kind === 'accepted');
  if (!canConfirm || accepted?.kind !== 'accepted' || accepted.operation === undefined) {
    return settled;
  }
  return { kind: 'accepted', operation: accepted.operation };
}

/** Why a job failed: what has to be tried again tells more than what was refused for good. */
export function codeOf(outcomes: readonly StepOutcome[]): string | null {
  const bad = outcomes.flatMap((outcome) => ('code' in outcome ? [outcome] : []));
  return (bad.find(({ kind }) => kind !== 'refused') ?? bad[0])?.code ?? null;
}
