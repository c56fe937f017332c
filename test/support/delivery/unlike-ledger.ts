import {
  availableAt,
  momentsOf,
  type LedgerRow,
  type State,
  type Story,
} from '../history/index.ts';
import type { Telling } from './tellings.ts';

type Ledger = {
  readonly story: Story | undefined;
  readonly entries: ReadonlyMap<string, LedgerRow>;
  readonly slackMs: number;
};

/** What a channel may be shown of a level at some moment of a period. */
export function showableIn(state: State, fromMs: number, toMs: number): readonly number[] {
  return momentsOf(state, fromMs, toMs).map((atMs) => Math.max(0, availableAt(state, atMs)));
}

/** Says what was sent otherwise than it stands in the ledger; undefined: nothing was. */
export function unlikeLedger(
  { level, change, arrivedMs }: Telling,
  { story, entries, slackMs }: Ledger,
): string | undefined {
  const { version, available, onHand } = change;
  const wrong = (what: string): string => `${level}: version ${version}: ${what}`;
  const state = version > 0 ? story?.stateAt(version) : undefined;
  const step = story?.steps.find((one) => one.version === version);
  if (state === undefined || step === undefined) return wrong('is not in the ledger');
  if (onHand !== state.figures.onHand) return wrong(`${onHand} on hand`);
  if (Date.parse(change.recordedAt) !== step.recordedAtMs) return wrong(change.recordedAt);
  // A hold that has ended may be free before the ledger says so; in an entry it is not.
  const untilMs = change.entryId === undefined ? arrivedMs + slackMs : step.recordedAtMs;
  const due = showableIn(
    { ...state, held: heldFor(change.entryId, state) },
    step.recordedAtMs,
    untilMs,
  );
  if (!due.includes(available)) return wrong(`${available} available, due ${due.join(' or ')}`);
  return change.entryId === undefined ? undefined : unlikeEntry(change, entries, wrong);
}

function heldFor(entryId: string | undefined, state: State): State['held'] {
  return entryId === undefined ? state.held : [];
}

function unlikeEntry(
  change: Telling['change'],
  entries: Ledger['entries'],
  wrong: (what: string) => string,
): string | undefined {
  const entry = entries.get(change.entryId ?? '');
  if (entry === undefined) return wrong(`there is no ${change.entryId}`);
  const { quantity, delta, version, storeId, sku } = entry;
  const isSame =
    quantity === change.quantity &&
    delta === change.delta &&
    version === change.version &&
    storeId === change.storeId &&
    sku === change.sku &&
    entry.reason === change.reason;
  return isSame ? undefined : wrong(`${change.entryId} is ${JSON.stringify(entry)}`);
}
