import { attribute, type Attributed } from './attribute.ts';
import { explainRefusal } from './explain-refusal.ts';
import { judge, levelsOf, markOf } from './judge.ts';
import type { Evidence, History, Operation, Violation } from './operation.ts';
import { replayLedger, type Step, type Story } from './replay.ts';
import { showsOtherFigures } from './shown-figures.ts';
import { timelineOf, type Sighting, type Timeline } from './sightings.ts';

/**
 * Compares what clients were told with what the ledger says. Empty: nobody could tell the service
 * from one that does one thing after the other, each once, at one moment between question and
 * answer. Looks at the levels that the history names; the clients' clock and the database's may be
 * `clockSlackMs` apart, which matters only for when holds end.
 */
export function checkHistory(
  history: History,
  evidence: Evidence,
  { clockSlackMs = 500 }: { readonly clockSlackMs?: number } = {},
): readonly Violation[] {
  const { operations } = history;
  const names = new Set(operations.flatMap(({ asked }) => [...levelsOf(asked).keys()]));
  const { stories, violations } = replayLedger(evidence, names, ttlsOf(operations));
  const attributed = attribute(operations, stories);
  const timelines = new Map(
    [...stories].map(([level, story]) => [
      level,
      timelineOf(level, sightingsAt(story, operations, attributed), story.steps.length),
    ]),
  );
  const checked: Checked = { stories, timelines, attributed, slackMs: clockSlackMs };
  return [
    ...violations,
    ...attributed.violations,
    ...[...timelines.values()].flatMap((timeline) => timeline.violations),
    ...operations.flatMap((operation) => checkOperation(operation, checked)),
    ...explainRefusals(operations, checked),
  ];
}

/** What the checks of single operations look at. */
export type Checked = {
  readonly stories: ReadonlyMap<string, Story>;
  readonly timelines: ReadonlyMap<string, Timeline>;
  readonly attributed: Attributed;
  readonly slackMs: number;
};

/** How long each hold lasts, by the mark of what made or extended it. */
export function ttlsOf(operations: readonly Operation[]): (mark: string) => number | undefined {
  const ttls = new Map(
    operations.flatMap((operation) => {
      const { asked } = operation;
      const seconds = 'ttlSeconds' in asked ? asked.ttlSeconds : undefined;
      return seconds === undefined ? [] : [[markOf(operation), seconds] as const];
    }),
  );
  return (mark) => ttls.get(mark);
}

function sightingsAt(
  story: Story,
  operations: readonly Operation[],
  { ownerOf }: Attributed,
): readonly Sighting[] {
  const made = story.steps.flatMap((step): Sighting[] => {
    const owner = ownerOf(step);
    if (owner === undefined) return [];
    const { startMs, endMs, id, outcome, unknownAttempts } = owner;
    // Without an answer of success it may have been done at any time after it was sent.
    const isOpen =
      outcome.kind === 'unknown' || (outcome.kind === 'refused' && unknownAttempts > 0);
    const end = isOpen ? Number.POSITIVE_INFINITY : endMs;
    return [{ version: step.version, startMs, endMs: end, operation: id, made: true }];
  });
  const seen = operations.flatMap(({ asked, outcome, startMs, endMs, id }): Sighting[] => {
    if (asked.kind !== 'read' || !levelsOf(asked).has(story.level)) return [];
    if (outcome.kind !== 'ok') return [];
    return outcome.shown.map(({ version }) => {
      return { version, startMs, endMs, operation: id, made: false };
    });
  });
  return [...made, ...seen];
}

function checkOperation(operation: Operation, checked: Checked): Violation[] {
  const { id, outcome, hasKey, differing } = operation;
  const found: Violation[] = [];
  const note = (kind: Violation['kind'], what: string, level?: string): void => {
    found.push({ kind, operations: [id], what, ...(level === undefined ? {} : { level }) });
  };
  if (differing !== undefined) note('answers-differ', differing);
  if (outcome.kind === 'unknown' && hasKey) note('unsettled', outcome.why);
  for (const step of checked.attributed.stepsOf(operation)) {
    const wrong = unlikeAsked(operation, step, checked);
    if (wrong !== undefined) note(wrong.kind, wrong.what, step.level);
  }
  if (outcome.kind === 'ok') {
    for (const shown of outcome.shown) {
      const what = showsOtherFigures(operation, shown, checked);
      if (what !== undefined) note('wrong-figures', what, `${shown.storeId} ${shown.sku}`);
    }
    const late = holdsUntilAnotherTime(operation, checked);
    if (late !== undefined) note('wrong-figures', late);
  }
  return found;
}

/** Whether a step of the ledger is not what the operation had to become there and then. */
function unlikeAsked(
  { asked }: Operation,
  { level, version, recordedAtMs, deltas }: Step,
  { stories }: Checked,
): Pick<Violation, 'kind' | 'what'> | undefined {
  const story = stories.get(level);
  if (story === undefined) return undefined;
  const ruling = judge(asked, story, version - 1, recordedAtMs);
  if (ruling.refused !== undefined) {
    const { refused, available, requested } = ruling;
    const what = `version ${version} should be ${refused} (${available} of ${requested})`;
    return { kind: refused === 'STOCK.INSUFFICIENT' ? 'oversold' : 'wrong-change', what };
  }
  const same =
    ruling.deltas.size === deltas.size &&
    [...ruling.deltas].every(([quantity, delta]) => deltas.get(quantity) === delta);
  if (same) return undefined;
  const shown = JSON.stringify([[...ruling.deltas], [...deltas]]);
  return { kind: 'wrong-change', what: `version ${version}: due and done are ${shown}` };
}

function holdsUntilAnotherTime(operation: Operation, checked: Checked): string | undefined {
  const { asked, outcome } = operation;
  if (asked.kind !== 'hold' && asked.kind !== 'extend') return undefined;
  if (outcome.kind !== 'ok' || asked.ttlSeconds === undefined) return undefined;
  const [step] = checked.attributed.stepsOf(operation);
  if (step === undefined) return undefined;
  const due = step.recordedAtMs + asked.ttlSeconds * 1_000;
  return outcome.expiresAtMs === due
    ? undefined
    : `held until ${outcome.expiresAtMs}, due until ${due}`;
}

function explainRefusals(operations: readonly Operation[], checked: Checked): Violation[] {
  const bulks = Map.groupBy(operations, ({ bulk }) => bulk?.id);
  return operations.flatMap((operation): Violation[] => {
    const { outcome, id, bulk } = operation;
    if (outcome.kind !== 'refused') return [];
    const together = bulk === undefined ? [operation] : (bulks.get(bulk.id) ?? []);
    const what = explainRefusal({ ...operation, outcome }, together, checked);
    return what === undefined ? [] : [{ kind: 'wrong-refusal', operations: [id], what }];
  });
}
