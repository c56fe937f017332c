import type { AdjustableQuantity } from '../../../src/stock/index.ts';
import { bulkOf, callOf, type Call, type Part, type Way } from './call.ts';
import {
  nameOf,
  type AdjustAsked,
  type Asked,
  type LevelName,
  type Line,
  type Outcome,
  type SetAsked,
} from './operation.ts';
import type { Random } from './random.ts';

/** What one client asks for next. */
export type Planner = {
  next(): Call;
  /** Tells it what became of what it asked for. */
  learn(part: Part, outcome: Outcome): void;
};

type Order = {
  readonly orderId: string;
  readonly reservationId: string | null;
  readonly lines: readonly Line[];
  /** Steps still to be asked for, the next one first: none twice. */
  readonly steps: ('extend' | 'commit' | 'release' | 'confirm' | 'cancel')[];
};

export type PlannerOptions = {
  readonly client: number;
  readonly levels: readonly [LevelName, ...LevelName[]];
  /** Newest version that anyone was shown, by level. */
  readonly seen: ReadonlyMap<string, number>;
  readonly random: Random;
  /** Names of this run: operations of two runs on one database must not share an id. */
  readonly run: string;
  /** Whether bulk requests may have a key of their own. */
  readonly claims: boolean;
};

const others: readonly [AdjustableQuantity, ...AdjustableQuantity[]] = [
  'allocated',
  'openOrders',
  'pendingSales',
  'unavailable',
  'incoming',
];

const lives: readonly [Order['steps'], ...Order['steps'][]] = [
  ['commit'],
  ['release'],
  ['confirm'],
  ['cancel'],
  ['extend', 'commit'],
  ['extend', 'release'],
  ['confirm', 'cancel'],
  ['commit', 'cancel'],
  ['release', 'commit'],
  ['commit', 'release'],
  [],
];

/**
 * Chooses requests by chance: adjustments of every quantity, counts, bulk requests atomic and not,
 * reservations and all that can become of them, order events, reads, wrong versions and keys that
 * were used before. No level stands twice in one request.
 */
export function openPlanner(options: PlannerOptions): Planner {
  const { client, levels, seen, random, run, claims } = options;
  const orders: Order[] = [];
  /** Keys of adjustments that were applied; those of events are apart from all others. */
  const used: string[] = [];
  const events = new Set<string>();
  let count = 0;

  const newId = (): string => `${run}-${client}-${(count += 1)}`;
  // The first levels are in much more demand than the others.
  const level = (): LevelName =>
    levels[Math.floor(levels.length * random.next() * random.next())] ?? levels[0];
  const someLevels = (most: number): LevelName[] => {
    const chosen = Array.from({ length: random.integer(1, most) }, level);
    return [...new Map(chosen.map((one) => [nameOf(one), one])).values()];
  };
  const expecting = (at: LevelName): { expectedVersion?: number } => {
    const version = seen.get(nameOf(at)) ?? 0;
    return random.chance(0.12)
      ? { expectedVersion: Math.max(0, version - random.pick([0, 1])) }
      : {};
  };
  const keyed = (asked: Asked): Part => ({ id: newId(), asked, hasKey: random.chance(0.75) });

  const adjusting = (at: LevelName): AdjustAsked => {
    const onHand = random.chance(0.7);
    return {
      kind: 'adjust',
      level: at,
      quantity: onHand ? 'onHand' : random.pick(others),
      delta: onHand ? random.integer(-7, 7) : random.integer(-3, 3),
      mode: random.chance(0.85) ? 'guarded' : 'fact',
      ...expecting(at),
    };
  };
  const setting = (at: LevelName): SetAsked => ({
    kind: 'set',
    level: at,
    onHand: random.integer(0, 60),
    ...expecting(at),
  });

  const adjust = (): Call => callOf(keyed(adjusting(level())));
  const set = (): Call => callOf(keyed(setting(level())));
  const event = (): Call => {
    const { expectedVersion: _, ...asked } = adjusting(level());
    const id = newId();
    events.add(id);
    return callOf({ id, asked, hasKey: true }, 'event');
  };
  const bulk = (): Call => {
    const id = newId();
    const parts = someLevels(12).map((at): Part => {
      const asked = random.chance(0.85) ? adjusting(at) : setting(at);
      return { id: newId(), asked, hasKey: true };
    });
    return bulkOf(id, random.chance(0.4), parts, claims && random.chance(0.3) ? id : undefined);
  };
  const hold = (): Call => {
    const lines = someLevels(4).map((at) => ({ ...at, quantity: random.integer(1, 4) }));
    const [line] = lines;
    const way: Way = lines.length === 1 ? random.pick(['level', 'route']) : 'route';
    const expected = way === 'level' && line !== undefined ? expecting(line) : {};
    const ttlSeconds = random.pick([1, 2, 3_600, 3_600]);
    return callOf(keyed({ kind: 'hold', orderId: newId(), lines, ttlSeconds, ...expected }), way);
  };
  const sell = (): Call => {
    const lines = someLevels(3).map((at) => ({ ...at, quantity: random.integer(1, 3) }));
    const asked: Asked = { kind: 'confirm', orderId: newId(), reservationId: null, lines };
    return callOf({ id: newId(), asked, hasKey: true });
  };
  const move = (): Call => {
    const index = random.integer(0, Math.max(0, orders.length - 1));
    const order = orders[index];
    const kind = order?.steps.shift();
    if (order === undefined || kind === undefined) return hold();
    if (order.steps.length === 0) orders.splice(index, 1);
    const { steps: _, ...asked } = order;
    const ttl = kind === 'extend' ? { ttlSeconds: random.pick([2, 3_600]) } : {};
    const part = keyed({ kind, ...asked, ...ttl });
    return callOf(kind === 'confirm' || kind === 'cancel' ? { ...part, hasKey: true } : part);
  };
  const misuse = (): Call => {
    const key = used[random.integer(0, Math.max(0, used.length - 1))];
    if (key === undefined) return adjust();
    const asked = { ...adjusting(level()), mode: 'fact' as const };
    return callOf({ id: newId(), asked, hasKey: true, misusesKeyOf: key });
  };
  const read = (): Call =>
    callOf({ id: newId(), asked: { kind: 'read', level: level() }, hasKey: false });

  const kinds: readonly [number, () => Call][] = [
    [30, adjust],
    [4, set],
    [4, event],
    [7, bulk],
    [12, hold],
    [16, move],
    [6, sell],
    [1, misuse],
    [20, read],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  return {
    next() {
      let left = random.next() * total;
      const [, make = adjust] = kinds.find(([weight]) => (left -= weight) < 0) ?? [];
      return make();
    },
    learn({ id, asked, hasKey, misusesKeyOf }, outcome) {
      if (outcome.kind !== 'ok') return;
      const isKey = hasKey && misusesKeyOf === undefined && !events.has(id);
      if (isKey && asked.kind === 'adjust') used.push(id);
      const { reservationId = null } = outcome;
      if (asked.kind === 'hold') {
        const { orderId, lines } = asked;
        orders.push({ orderId, reservationId, lines, steps: [...random.pick(lives)] });
      } else if (asked.kind === 'confirm' && asked.reservationId === null && random.chance(0.4)) {
        const { orderId, lines } = asked;
        orders.push({ orderId, reservationId: null, lines, steps: ['cancel'] });
      }
    },
  };
}
