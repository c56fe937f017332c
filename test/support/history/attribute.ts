import { judge, levelsOf, markOf } from './judge.ts';
import type { Operation, Violation } from './operation.ts';
import type { Step, Story } from './replay.ts';

/** Which operation each step of the ledger belongs to. */
export type Attributed = {
  /** Undefined: the service's own (the end of a hold), or nobody's. */
  readonly ownerOf: (step: Step) => Operation | undefined;
  readonly stepsOf: (operation: Operation) => readonly Step[];
  readonly violations: readonly Violation[];
};

const sweep = 'reservation.expired|';

/** Finds what was lost, done twice, done in part, done although refused, or asked for by nobody. */
export function attribute(
  operations: readonly Operation[],
  stories: ReadonlyMap<string, Story>,
): Attributed {
  const owners = new Map(operations.map((operation) => [markOf(operation), operation]));
  const all = [...stories.values()].flatMap(({ steps }) => steps);
  const byMark = Map.groupBy(all, ({ mark }) => mark);
  const stepsOf = (operation: Operation): readonly Step[] => byMark.get(markOf(operation)) ?? [];
  const ownerOf = ({ mark }: Step): Operation | undefined => owners.get(mark);
  return {
    ownerOf,
    stepsOf,
    violations: [
      ...all.flatMap((step) => (ownerOf(step) === undefined ? checkOwnStep(step, stories) : [])),
      ...operations.flatMap((operation) => checkSteps(operation, stepsOf(operation), stories)),
      ...tornBulks(operations, stepsOf),
    ],
  };
}

/** What nobody asked for must be the end of a hold whose time was over. */
function checkOwnStep(step: Step, stories: ReadonlyMap<string, Story>): Violation[] {
  const { level, version, mark, recordedAtMs, deltas } = step;
  const unexpected = (what: string): Violation[] => [
    { kind: 'unexpected', level, operations: [], what: `version ${version} (${mark}) ${what}` },
  ];
  if (!mark.startsWith(sweep)) return unexpected('was asked for by nobody');
  const order = stories.get(level)?.orderAt(mark.slice(sweep.length), version - 1);
  if (order?.status !== 'active') return unexpected('ends a hold that is none');
  if (order.expiresAtMs > recordedAtMs) return unexpected('ends a hold before its time');
  const isAll = deltas.size === 1 && deltas.get('reserved') === -order.quantity;
  return isAll ? [] : unexpected('does not give back what was held');
}

function checkSteps(
  operation: Operation,
  steps: readonly Step[],
  stories: ReadonlyMap<string, Story>,
): Violation[] {
  const { id, asked, outcome, misusesKeyOf, unknownAttempts } = operation;
  const found: Violation[] = [];
  const note = (kind: Violation['kind'], what: string, level?: string): void => {
    found.push({ kind, operations: [id], what, ...(level === undefined ? {} : { level }) });
  };
  const [first] = steps;
  if (first === undefined) {
    const isDone = outcome.kind === 'ok' && asked.kind !== 'read' && !isDoneBefore(asked, stories);
    if (isDone) note('lost', 'answered with success, and not in the ledger');
    return found;
  }
  // An attempt without an answer may have been done after a later one was refused.
  const isRefused = outcome.kind === 'refused' && unknownAttempts === 0;
  if (isRefused || misusesKeyOf !== undefined) note('unexpected', 'refused, and in the ledger');
  const byLevel = Map.groupBy(steps, ({ level }) => level);
  for (const [level, here] of byLevel) {
    const versions = here.map(({ version }) => version).join(' and ');
    if (here.length > 1) note('doubled', `made the versions ${versions}`, level);
  }
  const missing = [...levelsOf(asked).keys()].filter((level) => !byLevel.has(level));
  if (missing.length > 0) note('torn', `done, but not at ${missing.join(', ')}`);
  const isOne = steps.every(
    (step) => step.commandId === first.commandId && step.recordedAtMs === first.recordedAtMs,
  );
  if (!isOne && byLevel.size === steps.length) note('torn', 'done in several commands or moments');
  return found;
}

/** Whether success without a change can be right: the order has come to where it should go. */
function isDoneBefore(asked: Operation['asked'], stories: ReadonlyMap<string, Story>): boolean {
  if (!('orderId' in asked) || asked.kind === 'hold') return false;
  return [...levelsOf(asked).keys()].every((level) => {
    const story = stories.get(level);
    if (story === undefined) return false;
    return story.steps.some(({ version, mark, recordedAtMs }) => {
      if (!mark.endsWith(`|${asked.orderId}`)) return false;
      // A hold that ended by itself is over, whether the ledger says so or not.
      return [recordedAtMs, Number.POSITIVE_INFINITY].some((atMs) => {
        const ruling = judge(asked, story, version, atMs);
        return ruling.refused === undefined && ruling.deltas.size === 0;
      });
    });
  });
}

/** Of an atomic request all mutations are done or none. */
function tornBulks(
  operations: readonly Operation[],
  stepsOf: (operation: Operation) => readonly Step[],
): Violation[] {
  const atomic = operations.filter(({ bulk }) => bulk?.atomic === true);
  return [...Map.groupBy(atomic, ({ bulk }) => bulk?.id)].flatMap(([, parts]): Violation[] => {
    const done = parts.filter((part) => stepsOf(part).length > 0).length;
    if (done === 0 || done === parts.length) return [];
    const what = `${done} of ${parts.length} mutations of an atomic request were done`;
    return [{ kind: 'torn', operations: parts.map(({ id }) => id), what }];
  });
}
