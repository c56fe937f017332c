import { quantities } from '../../../src/stock/index.ts';
import type { Checked } from './check-history.ts';
import { nameOf, type Operation, type ShownLevel } from './operation.ts';
import { availableAt, endedAt, momentsOf, type State } from './replay.ts';

/**
 * Says what is wrong with a level in an answer of success: its version is not the one that the
 * operation made, or it has other figures than the level had at that version.
 */
export function showsOtherFigures(
  operation: Operation,
  shown: ShownLevel,
  checked: Checked,
): string | undefined {
  const level = nameOf(shown);
  const step = checked.attributed.stepsOf(operation).find((made) => made.level === level);
  if (step !== undefined && step.version !== shown.version) {
    return `shows version ${shown.version}, and made version ${step.version}`;
  }
  const period =
    step === undefined
      ? ([operation.startMs - checked.slackMs, operation.endMs + checked.slackMs] as const)
      : ([step.recordedAtMs, step.recordedAtMs] as const);
  return differsFrom(checked.stories.get(level)?.stateAt(shown.version), shown, period);
}

/** Says how a shown level differs from a state at each moment of a period. */
export function differsFrom(
  state: State | undefined,
  shown: ShownLevel,
  [fromMs, toMs]: readonly [number, number],
): string | undefined {
  if (state === undefined) return `shows version ${shown.version}, which the ledger does not have`;
  const moments = momentsOf(state, fromMs, toMs);
  const all = moments.map((atMs) => differences(state, shown, atMs));
  return all.some((found) => found.length === 0)
    ? undefined
    : `at version ${shown.version} ${all[0]?.join(', ')}`;
}

function differences(state: State, shown: ShownLevel, atMs: number): string[] {
  const due = {
    ...state.figures,
    reserved: state.figures.reserved - endedAt(state, atMs),
    available: availableAt(state, atMs),
  };
  return [...quantities, 'available' as const].flatMap((figure) => {
    const value = shown[figure];
    if (value === undefined || value === due[figure]) return [];
    return [`${figure} is shown as ${value} and was ${due[figure]}`];
  });
}
