import { effectOnAvailable, type Quantity } from '../../../src/stock/index.ts';
import { nameOf, type Asked, type MoveAsked, type Operation } from './operation.ts';
import { availableAt, type OrderAtLevel, type State, type Story } from './replay.ts';

/** What must become of an operation at one level: a refusal with its figures, or changes. */
export type Ruling =
  | {
      readonly refused: string;
      readonly available?: number;
      readonly requested?: number;
      readonly status?: string;
    }
  | { readonly refused?: undefined; readonly deltas: ReadonlyMap<Quantity, number> };

/**
 * What stands in the ledger for an operation, `reason|reference`: no two operations of a load have
 * the same.
 */
export function markOf({ id, asked }: Pick<Operation, 'id' | 'asked'>): string {
  switch (asked.kind) {
    case 'adjust':
    case 'set':
      return `load|${id}`;
    case 'read':
      return `none|${id}`;
    default:
      return `${reasons[asked.kind]}|${asked.orderId}`;
  }
}

const reasons = {
  hold: 'reservation.created',
  commit: 'reservation.committed',
  release: 'reservation.released',
  extend: 'reservation.extended',
  confirm: 'order.confirmed',
  cancel: 'order.cancelled',
} as const;

/** The levels an operation is about, each with its units (of an order). */
export function levelsOf(asked: Asked): ReadonlyMap<string, number> {
  if ('level' in asked) return new Map([[nameOf(asked.level), 0]]);
  return new Map(asked.lines.map((line) => [nameOf(line), line.quantity]));
}

/**
 * The rules in a few lines, written apart from the service: what must become of an operation at a
 * level that is at `version`, at a moment.
 */
export function judge(asked: Asked, story: Story, version: number, atMs: number): Ruling {
  const state = story.stateAt(version);
  if (state === undefined) return { refused: 'NO.SUCH_VERSION' };
  switch (asked.kind) {
    case 'read':
      return changes();
    case 'adjust':
    case 'set':
    case 'hold': {
      const expected = asked.expectedVersion ?? version;
      if (expected !== version) return { refused: 'STOCK.VERSION_CONFLICT' };
      if (asked.kind === 'adjust') return adjust(asked, state, atMs);
      if (asked.kind === 'set') return changes(['onHand', asked.onHand - state.figures.onHand]);
      const units = unitsAt(asked, story);
      return short(availableAt(state, atMs), units) ?? changes(['reserved', units]);
    }
    default:
      return move(asked, story, state, atMs);
  }
}

function changes(...deltas: readonly [Quantity, number][]): Ruling {
  return { deltas: new Map(deltas) };
}

function short(available: number, requested: number): Ruling | undefined {
  if (available >= requested) return undefined;
  return { refused: 'STOCK.INSUFFICIENT', available, requested };
}

function unitsAt(asked: Asked, { level }: Story): number {
  return levelsOf(asked).get(level) ?? 0;
}

function adjust(
  { quantity, delta, mode }: Asked & { kind: 'adjust' },
  state: State,
  atMs: number,
): Ruling {
  if (state.version === 0 && delta === 0) return { refused: 'STOCK.NOT_FOUND' };
  const effect = effectOnAvailable[quantity] * delta;
  const taken = mode === 'guarded' && effect < 0 ? -effect : 0;
  const refusal = taken > 0 ? short(availableAt(state, atMs), taken) : undefined;
  return refusal ?? short(state.figures[quantity], -delta) ?? changes([quantity, delta]);
}

function move(asked: MoveAsked, story: Story, state: State, atMs: number): Ruling {
  const { kind, orderId, reservationId } = asked;
  const units = unitsAt(asked, story);
  const order = story.orderAt(orderId, state.version);
  if (order === undefined) {
    if (kind === 'cancel') return { refused: 'ORDER.NOT_FOUND' };
    if (kind !== 'confirm' || reservationId !== null) return { refused: 'RESERVATION.NOT_FOUND' };
    return short(availableAt(state, atMs), units) ?? changes(['onHand', -units]);
  }
  const ended = order.status === 'active' && order.expiresAtMs <= atMs;
  const status = ended ? 'expired' : order.status;
  const notActive: Ruling = { refused: 'RESERVATION.NOT_ACTIVE', status };
  switch (kind) {
    case 'commit':
      return commit(order, status, state, atMs);
    case 'confirm':
      if (status === 'returned') return { refused: 'ORDER.CANCELLED' };
      return commit(order, status, state, atMs);
    case 'release':
      if (status === 'released') return changes();
      return status === 'active' ? changes(['reserved', -units]) : notActive;
    case 'extend':
      return status === 'active' ? changes(['reserved', 0]) : notActive;
    default:
      if (status === 'committed') return changes(['onHand', units]);
      return status === 'active' ? changes(['reserved', -units]) : changes();
  }
}

function commit(
  order: OrderAtLevel,
  status: OrderAtLevel['status'],
  state: State,
  atMs: number,
): Ruling {
  const { quantity } = order;
  if (status === 'committed') return changes();
  if (status !== 'active' && status !== 'expired') {
    return { refused: 'RESERVATION.NOT_ACTIVE', status };
  }
  // A hold that has ended is free, also for the order that had it.
  if (status === 'expired' && availableAt(state, atMs) < quantity) {
    return { refused: 'RESERVATION.EXPIRED' };
  }
  const refusal = short(state.figures.onHand, quantity);
  if (refusal !== undefined) return refusal;
  return order.status === 'active'
    ? changes(['onHand', -quantity], ['reserved', -quantity])
    : changes(['onHand', -quantity]);
}
