import { quantities, type Quantity } from '../../src/stock/index.ts';
import type {
  Asked,
  Evidence,
  History,
  LedgerRow,
  LevelName,
  LevelRow,
  Operation,
  Outcome,
  ShownLevel,
} from '../support/history/operation.ts';

/** The same, open to be broken. */
export type Open<T> = T extends (infer E)[] | readonly (infer E)[]
  ? Open<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Open<T[K]> }
    : T;

export type Scene = Open<History & Evidence>;

export const main: LevelName = { storeId: 'main', sku: 'lamp' };
export const north: LevelName = { storeId: 'north', sku: 'lamp' };

type Deltas = Partial<Record<Quantity, number>>;

/** Writes a history and its ledger side by side: one thing after the other, each 10 ms long. */
export function openScene() {
  const operations: Operation[] = [];
  const entries: LedgerRow[] = [];
  const levels = new Map<LevelName, LevelRow>();
  let ms = 1_000_000;

  const rowOf = (level: LevelName): LevelRow => {
    const none = Object.fromEntries(quantities.map((quantity) => [quantity, 0]));
    return levels.get(level) ?? { ...level, ...(none as Record<Quantity, number>), version: 0 };
  };
  const shown = (level: LevelName): ShownLevel => {
    const row = rowOf(level);
    const { onHand, reserved, allocated, openOrders, pendingSales, unavailable, safetyStock } = row;
    const taken = reserved + allocated + openOrders + pendingSales + unavailable + safetyStock;
    return { ...row, available: onHand - taken };
  };
  /** A command's entries at a level: one version. */
  const write = (level: LevelName, mark: readonly [string, string], deltas: Deltas): void => {
    const [reason, reference] = mark;
    const next: Record<Quantity, number> & LevelName & { version: number } = { ...rowOf(level) };
    next.version += 1;
    for (const quantity of quantities) {
      const delta = deltas[quantity];
      if (delta === undefined) continue;
      next[quantity] += delta;
      entries.push({
        ...level,
        entryId: `ent_${entries.length + 1}`,
        version: next.version,
        quantity,
        delta,
        balanceAfter: next[quantity],
        reason,
        reference,
        sourceChannel: null,
        commandId: `${reason} ${reference}`,
        recordedAtMs: ms + 5,
      });
    }
    levels.set(level, next);
  };
  const note = (
    id: string,
    asked: Asked,
    outcome: Outcome,
    more: Partial<Operation> = {},
  ): void => {
    const times = { startMs: ms, endMs: ms + 10 };
    const sent = { hasKey: true, attempts: 1, unknownAttempts: 0, client: 0 };
    operations.push({ id, asked, outcome, ...times, ...sent, ...more });
    ms += 20;
  };
  return {
    shown,
    write,
    note,
    /** The moment of the next command. */
    nextMs: () => ms + 5,
    pass: (seconds: number) => (ms += seconds * 1_000),
    end: (): Scene => {
      const rows = [...levels.values()];
      return structuredClone({ seed: 0, operations, entries, levels: rows, readAtMs: ms }) as Scene;
    },
  };
}

const adjusted = (delta: number, expectedVersion?: number) => ({
  kind: 'adjust' as const,
  level: main,
  quantity: 'onHand' as const,
  delta,
  mode: 'guarded' as const,
  ...(expectedVersion === undefined ? {} : { expectedVersion }),
});

const refused = (code: string, problem: object): Outcome => ({
  kind: 'refused',
  code,
  problem: { ...problem },
});

const both = [main, north] as const;
const lines = [
  { ...main, quantity: 3 },
  { ...north, quantity: 1 },
];

/** Everything that a history can have, with nothing wrong in it. */
export function tellStory(): Scene {
  const { note, write, shown, nextMs, pass, end } = openScene();
  const ok = (level: LevelName): Outcome => ({ kind: 'ok', shown: [shown(level)] });
  const done: Outcome = { kind: 'ok', shown: [] };
  for (const level of both) {
    write(level, ['load', `open-${level.storeId}`], { onHand: 10 });
    note(`open-${level.storeId}`, { kind: 'set', level, onHand: 10 }, ok(level));
  }
  write(main, ['load', 'sale'], { onHand: -2 });
  note('sale', adjusted(-2), ok(main));
  note('look', { kind: 'read', level: main }, ok(main));
  note('greedy', adjusted(-9), refused('STOCK.INSUFFICIENT', { available: 8, requested: 9 }));
  const conflict = { expectedVersion: 1, level: shown(main) };
  note('stale', adjusted(1, 1), refused('STOCK.VERSION_CONFLICT', conflict));

  write(main, ['reservation.created', 'order'], { reserved: 3 });
  write(north, ['reservation.created', 'order'], { reserved: 1 });
  const hold = { kind: 'hold' as const, orderId: 'order', lines, ttlSeconds: 60 };
  note('hold', hold, { ...done, reservationId: 'rsv', expiresAtMs: nextMs() + 60_000 });
  const wanted = [
    { ...main, quantity: 6 },
    { ...north, quantity: 9 },
  ];
  const short = { lines: [{ ...main, available: 5, requested: 6 }] };
  note('big', { ...hold, orderId: 'big', lines: wanted }, refused('STOCK.INSUFFICIENT', short));
  const order = { orderId: 'order', reservationId: 'rsv', lines };
  write(main, ['reservation.committed', 'order'], { onHand: -3, reserved: -3 });
  write(north, ['reservation.committed', 'order'], { onHand: -1, reserved: -1 });
  note('commit', { kind: 'commit', ...order }, done);
  const committed = { reservationStatus: 'committed' };
  note('release', { kind: 'release', ...order }, refused('RESERVATION.NOT_ACTIVE', committed));

  for (const level of both) write(level, ['load', `bulk-${level.storeId}`], { incoming: 4 });
  for (const level of both) {
    const asked = { ...adjusted(4), quantity: 'incoming' as const, level };
    note(`bulk-${level.storeId}`, asked, ok(level), { bulk: { id: 'bulk', atomic: true } });
  }
  write(main, ['reservation.created', 'brief'], { reserved: 5 });
  const brief = { ...hold, orderId: 'brief', lines: [{ ...main, quantity: 5 }], ttlSeconds: 1 };
  const expiresAtMs = nextMs() + 1_000;
  note('brief', brief, { kind: 'ok', shown: [shown(main)], expiresAtMs });
  pass(2);
  // The hold has ended, and the ledger does not say so yet.
  write(main, ['load', 'after'], { onHand: -4 });
  const after = { ...shown(main), reserved: 0, available: 1 };
  note('after', adjusted(-4), { kind: 'ok', shown: [after] }, { client: 1 });
  pass(1);
  write(main, ['reservation.expired', 'brief'], { reserved: -5 });
  note('last', { kind: 'read', level: main }, ok(main), { client: 2 });
  return end();
}
