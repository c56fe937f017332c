import { effectOnAvailable, quantities, type Quantity } from '../../../src/stock/index.ts';
import {
  nameOf,
  type Evidence,
  type LedgerRow,
  type LevelRow,
  type Violation,
} from './operation.ts';

export type Figures = Readonly<Record<Quantity, number>>;

/** What an order holds or took at one level. */
export type OrderAtLevel = {
  readonly orderId: string;
  readonly quantity: number;
  readonly status: 'active' | 'committed' | 'released' | 'expired' | 'returned';
  /** While it is active: from then on it is free. */
  readonly expiresAtMs: number;
};

/** A level as the ledger has it after one version. */
export type State = {
  readonly version: number;
  readonly figures: Figures;
  /** Holds that the ledger has not ended. */
  readonly held: readonly OrderAtLevel[];
};

/** One version: one command at one level. */
export type Step = {
  readonly level: string;
  readonly version: number;
  readonly recordedAtMs: number;
  readonly commandId: string;
  /** What the command was done for: see `markOf`. */
  readonly mark: string;
  readonly deltas: ReadonlyMap<Quantity, number>;
  readonly before: State;
  readonly after: State;
};

/** A level's life, told by the ledger. */
export type Story = {
  readonly level: string;
  readonly steps: readonly Step[];
  /** Undefined when the ledger does not have that version. */
  stateAt(version: number): State | undefined;
  /** The newest of an order at a version; undefined: it has nothing here. */
  orderAt(orderId: string, version: number): OrderAtLevel | undefined;
};

export const nothing: State = {
  version: 0,
  figures: Object.fromEntries(quantities.map((quantity) => [quantity, 0])) as Figures,
  held: [],
};

/** Units of holds whose time is over although the ledger has not ended them. */
export function endedAt({ held }: State, atMs: number): number {
  return held.reduce((sum, hold) => sum + (hold.expiresAtMs <= atMs ? hold.quantity : 0), 0);
}

/** What can be sold at a moment. */
export function availableAt(state: State, atMs: number): number {
  return quantities.reduce(
    (sum, quantity) => sum + effectOnAvailable[quantity] * state.figures[quantity],
    endedAt(state, atMs),
  );
}

/** The moments of a period between which nothing ends at a level by itself. */
export function momentsOf({ held }: State, fromMs: number, toMs: number): readonly number[] {
  const ends = held.map(({ expiresAtMs }) => expiresAtMs);
  return [fromMs, ...ends.filter((ms) => ms > fromMs && ms < toMs), toMs];
}

/** How long a hold lasts, in seconds, by the mark of what made or extended it. */
export type TtlOf = (mark: string) => number | undefined;

/** Replays the ledger of the levels named, and says where it does not add up. */
export function replayLedger(
  { entries, levels }: Evidence,
  names: ReadonlySet<string>,
  ttlOf: TtlOf,
): { readonly stories: ReadonlyMap<string, Story>; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  const stories = new Map<string, Story>();
  const rows = new Map(levels.map((level) => [nameOf(level), level]));
  const byLevel = Map.groupBy(entries, nameOf);
  for (const level of names) {
    const story = replayLevel(level, byLevel.get(level) ?? [], ttlOf, violations);
    stories.set(level, story);
    compareRow(story, rows.get(level), violations);
  }
  return { stories, violations };
}

function replayLevel(
  level: string,
  entries: readonly LedgerRow[],
  ttlOf: TtlOf,
  violations: Violation[],
): Story {
  const steps: Step[] = [];
  const states = new Map([[0, nothing]]);
  const orders = new Map<string, { version: number; order: OrderAtLevel }[]>();
  let state = nothing;
  const broken = (kind: 'gap' | 'balance', what: string): void => {
    violations.push({ kind, level, operations: [], what });
  };
  const byVersion = Map.groupBy(entries, ({ version }) => version);
  for (const [version, rows] of [...byVersion].toSorted(([a], [b]) => a - b)) {
    const [first] = rows;
    if (first === undefined) continue;
    if (version !== state.version + 1) broken('gap', `${version} follows on ${state.version}`);
    if (rows.some(({ commandId }) => commandId !== first.commandId)) {
      broken('gap', `version ${version} is that of several commands`);
    }
    const figures: Record<Quantity, number> = { ...state.figures };
    for (const { quantity, delta, balanceAfter } of rows) {
      figures[quantity] += delta;
      if (figures[quantity] === balanceAfter) continue;
      broken('balance', `${quantity} at version ${version}: ${balanceAfter} after ${delta}`);
      figures[quantity] = balanceAfter;
    }
    const deltas = new Map(rows.map(({ quantity, delta }) => [quantity, delta]));
    const { reason, reference, recordedAtMs, commandId } = first;
    const past = orders.get(reference ?? '') ?? [];
    const mark = `${reason}|${reference}`;
    const ttlMs = (ttlOf(mark) ?? Number.POSITIVE_INFINITY) * 1_000;
    const orderId = reference ?? '';
    const order = orderAfter(past.at(-1)?.order, { orderId, reason, deltas }, recordedAtMs + ttlMs);
    let { held } = state;
    if (order !== undefined) {
      orders.set(orderId, past);
      past.push({ version, order });
      held = held.filter((hold) => hold.orderId !== orderId);
      if (order.status === 'active') held = [...held, order];
    }
    const after = { version, figures, held };
    steps.push({ level, version, recordedAtMs, commandId, mark, deltas, before: state, after });
    states.set(version, after);
    state = after;
  }
  return {
    level,
    steps,
    stateAt: (version) => states.get(version),
    orderAt: (orderId, version) =>
      orders.get(orderId)?.findLast((past) => past.version <= version)?.order,
  };
}

/** What an entry makes of an order at its level; undefined when it is not about an order. */
function orderAfter(
  before: OrderAtLevel | undefined,
  entry: Pick<LedgerRow, 'reason'> & { orderId: string; deltas: Step['deltas'] },
  endsMs: number,
): OrderAtLevel | undefined {
  const { reason, orderId, deltas } = entry;
  const units = Math.abs(deltas.get('reserved') ?? deltas.get('onHand') ?? 0);
  const known = before ?? { orderId, quantity: units, status: 'active', expiresAtMs: endsMs };
  switch (reason) {
    case 'reservation.created':
      return { ...known, quantity: units, status: 'active', expiresAtMs: endsMs };
    case 'reservation.extended':
      return { ...known, expiresAtMs: endsMs };
    case 'reservation.committed':
    case 'order.confirmed':
      return { ...known, status: 'committed' };
    case 'reservation.released':
      return { ...known, status: 'released' };
    case 'reservation.expired':
      return { ...known, status: 'expired' };
    case 'order.cancelled':
      return { ...known, status: before?.status === 'committed' ? 'returned' : 'released' };
    default:
      return undefined;
  }
}

function compareRow(story: Story, row: LevelRow | undefined, violations: Violation[]): void {
  const { level, steps } = story;
  const last = steps.at(-1)?.after ?? nothing;
  const broken = (what: string): void => {
    violations.push({ kind: 'balance', level, operations: [], what });
  };
  if ((row?.version ?? 0) !== last.version) {
    broken(`the level is at version ${row?.version}, its ledger at ${last.version}`);
    return;
  }
  for (const quantity of quantities) {
    const shown = row?.[quantity] ?? 0;
    if (shown !== last.figures[quantity]) {
      broken(`${quantity} is ${shown}, and ${last.figures[quantity]} by the ledger`);
    }
  }
}
