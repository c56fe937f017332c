import type { Checked } from './check-history.ts';
import { judge, levelsOf, type Ruling } from './judge.ts';
import { nameOf, type Operation, type Outcome, type ShownLevel } from './operation.ts';
import { momentsOf } from './replay.ts';
import { differsFrom } from './shown-figures.ts';

type Refused = Operation & { readonly outcome: Outcome & { readonly kind: 'refused' } };
type Short = { readonly available: unknown; readonly requested: unknown };

/**
 * Says why a refusal was not right at any moment between question and answer, with the figures
 * that it states; undefined when it was.
 * @param together the operations of the same request
 */
export function explainRefusal(
  operation: Refused,
  together: readonly Operation[],
  checked: Checked,
): string | undefined {
  const { outcome, misusesKeyOf, bulk } = operation;
  const { code } = outcome;
  const isReuse = code === 'IDEMPOTENCY.KEY_REUSED';
  if (isReuse || misusesKeyOf !== undefined) {
    return isReuse === (misusesKeyOf !== undefined) ? undefined : `${code} for a key`;
  }
  if (code === 'MUTATIONS.NOT_APPLIED') {
    const cause = together.find((other) => isRefusedBut(other, code));
    return bulk?.atomic === true && cause !== undefined
      ? undefined
      : `${code}, and none is refused`;
  }
  if (code === 'STOCK.VERSION_CONFLICT') {
    const wrong = wrongConflict(operation, checked);
    if (wrong !== undefined) return wrong;
  }
  return wrongAtLevels(operation, checked);
}

function isRefusedBut({ outcome }: Operation, code: string): boolean {
  return outcome.kind === 'refused' && outcome.code !== code;
}

/** Every ruling that was right at a level at some moment between question and answer. */
function rulingsAt(operation: Operation, level: string, checked: Checked): Ruling[] {
  const { asked, startMs, endMs } = operation;
  const story = checked.stories.get(level);
  const window = checked.timelines.get(level)?.windowOf(startMs, endMs);
  if (story === undefined || window === undefined) return [];
  const rulings: Ruling[] = [];
  for (let version = window.lowest; version <= window.highest; version += 1) {
    const state = story.stateAt(version);
    if (state === undefined) continue;
    const moments = momentsOf(state, startMs - checked.slackMs, endMs + checked.slackMs);
    rulings.push(...moments.map((atMs) => judge(asked, story, version, atMs)));
  }
  return rulings;
}

function wrongAtLevels(operation: Refused, checked: Checked): string | undefined {
  const { asked, outcome } = operation;
  const { code, problem } = outcome;
  const levels = [...levelsOf(asked).keys()];
  const lines = problem['lines'] as readonly (Short & ShownLevel)[] | undefined;
  const stated = new Map(lines?.map((line) => [nameOf(line), line]));
  const isShort = code === 'STOCK.INSUFFICIENT';
  const fits = (level: string): boolean =>
    rulingsAt(operation, level, checked).some((ruling) => {
      if (lines === undefined || !isShort) return isSaid(operation, ruling);
      const line = stated.get(level);
      return line === undefined ? ruling.refused === undefined : isShortBy(ruling, line);
    });
  // What is not said of lines is said of one of them.
  const isRight = lines !== undefined && isShort ? levels.every(fits) : levels.some(fits);
  if (isRight && !(isShort && lines?.length === 0)) return undefined;
  const windows = levels.map((level) => {
    const { startMs, endMs } = operation;
    const window = checked.timelines.get(level)?.windowOf(startMs, endMs);
    return `${level} at ${window?.lowest} to ${window?.highest}`;
  });
  return `${code} ${JSON.stringify(problem)} fits none of ${windows.join(', ')}`;
}

/** Whether a ruling is what a refusal says, figures included. A bulk request gives codes only. */
function isSaid({ outcome, bulk }: Refused, ruling: Ruling): boolean {
  if (ruling.refused !== outcome.code) return false;
  if (bulk !== undefined) return true;
  const { problem } = outcome;
  if (ruling.status !== undefined) return problem['reservationStatus'] === ruling.status;
  return ruling.available === undefined || isShortBy(ruling, problem as Short);
}

function isShortBy(ruling: Ruling, { available, requested }: Short): boolean {
  if (ruling.refused !== 'STOCK.INSUFFICIENT') return false;
  return ruling.available === available && ruling.requested === requested;
}

/** A conflict shows the level, which must have looked so at some moment of the operation. */
function wrongConflict({ asked, outcome, bulk, ...times }: Refused, checked: Checked) {
  if (bulk !== undefined) return undefined;
  const [level = ''] = levelsOf(asked).keys();
  const shown = outcome.problem['level'] as ShownLevel | null | undefined;
  const { startMs, endMs } = times;
  const window = checked.timelines.get(level)?.windowOf(startMs, endMs);
  const version = shown?.version ?? 0;
  if (window === undefined || version < window.lowest || version > window.highest) {
    return `a conflict with version ${version}, which is not within ${JSON.stringify(window)}`;
  }
  if (shown === undefined || shown === null) return undefined;
  const period = [startMs - checked.slackMs, endMs + checked.slackMs] as const;
  return differsFrom(checked.stories.get(level)?.stateAt(version), shown, period);
}
