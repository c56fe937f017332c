import { randomUUID } from 'node:crypto';
import { newId } from '../ids.ts';
import { refuse, type Refusal } from '../errors.ts';
import type {
  Command,
  Decision,
  DecisionContext,
  IdempotencyKey,
  LevelChange,
  ReservationWrite,
} from '../stock/index.ts';
import {
  decideReturn,
  decideTake,
  isRefusal,
  linesAtLevels,
  type CommitAfterExpiry,
} from './decide.ts';
import { reservationLoader, type ReservationCommand } from './load-reservations.ts';
import { commitOne, releaseOne, reservationWrite } from './move-reservation.ts';
import {
  aggregateLines,
  hasEnded,
  notActive,
  reservationNotFound,
  statusAt,
  viewReservation,
  type Line,
  type Reservation,
} from './reservation.ts';

export type OrderEvent = {
  readonly merchantId: string;
  readonly orderId: string;
  readonly lines: readonly Line[];
  readonly reservationId?: string | undefined;
  readonly sourceChannel: string | null;
  readonly actor: string | null;
  readonly occurredAt: Date | null;
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/**
 * An order is certain: commits its reservation (the one named, else the order's own) or, without
 * one, takes its lines from stock, all or none. Answered with 202 and what it came to. A named
 * hold becomes the order's, whatever it was made for; an order that is confirmed already stays as
 * it is. A hold that has ended is committed late, swept or not, or the order is refused: were its
 * lines taken from stock instead, the hold could be committed besides.
 *
 * Refusals, in this order: RESERVATION.NOT_FOUND (one was named), ORDER.CANCELLED,
 * ORDER.LINES_DIFFER (other lines than were reserved), RESERVATION.NOT_ACTIVE (the one named was
 * sold to another order), those of `decideCommit` or `decideTake`.
 */
export function confirmOrder(event: OrderEvent, policy: CommitAfterExpiry): Command {
  const lines = aggregateLines(event.lines);
  return orderCommand(event, 'order.confirmed', lines, (reservations, context) => {
    const { orderId, reservationId } = event;
    const named = reservations.find((one) => one.reservationId === reservationId);
    if (reservationId !== undefined && named === undefined) {
      return reservationNotFound(reservationId);
    }
    const own = reservations.filter((one) => one.orderId === orderId);
    const existing =
      named ??
      own.find(({ status }) => status === 'committed') ??
      own.find((one) => statusAt(one, context.now) === 'active') ??
      own.find(({ status }) => status === 'returned') ??
      own.find((one) => statusAt(one, context.now) === 'expired');
    if (existing === undefined) {
      const taken = takeOrder(event, lines, context);
      if (!('code' in taken)) reservations.push(taken.reservation);
      return taken;
    }
    if (existing.status === 'returned') return orderCancelled(orderId);
    if (lines.length > 0 && !sameLines(lines, existing.lines)) return linesDiffer(existing);
    const { status, orderId: madeFor } = existing;
    if (status === 'committed' && madeFor === orderId) return unchanged(existing);
    if (status === 'committed' && madeFor !== null) return notActive(existing, context.now);
    const decision = commitOne(existing, context, policy);
    if (isRefusal(decision)) return decision;
    existing.orderId = orderId;
    return {
      outcome: status === 'committed' ? 'unchanged' : 'committed',
      changes: decision,
      writes: [reservationWrite(existing, status)],
      reservation: existing,
    };
  });
}

/**
 * An order is off: its hold is released, or what it took goes back on hand. Answered with 202 and
 * what it came to. An order that holds nothing any more stays as it is.
 *
 * Refusals, in this order: ORDER.NOT_FOUND, ORDER.LINES_DIFFER (other lines than the order has:
 * a part of an order is put back with `inventory.adjusted`), STOCK.OUT_OF_RANGE.
 */
export function cancelOrder(event: OrderEvent): Command {
  const lines = aggregateLines(event.lines);
  return orderCommand(event, 'order.cancelled', [], (reservations, context) => {
    const { orderId, reservationId } = event;
    // A named hold is released whatever it was made for; what another order bought is not its.
    const own = reservations.filter(
      (one) =>
        one.orderId === orderId ||
        (one.reservationId === reservationId &&
          (one.orderId === null || one.status !== 'committed')),
    );
    const reservation =
      own.find(({ status }) => status === 'committed') ??
      own.find(({ status }) => status === 'active') ??
      own[0];
    if (reservation === undefined) {
      return refuse('ORDER.NOT_FOUND', 'Nothing is held or sold for this order.', {
        orderId,
      });
    }
    if (lines.length > 0 && !sameLines(lines, reservation.lines)) return linesDiffer(reservation);
    if (reservation.status === 'committed') return returnOrder(reservation, context);
    if (reservation.status !== 'active' || hasEnded(reservation, context.now)) {
      return unchanged(reservation);
    }
    const decision = releaseOne(reservation, context);
    if (isRefusal(decision)) return decision;
    return {
      outcome: 'released',
      changes: decision,
      writes: [reservationWrite(reservation, 'active')],
      reservation,
    };
  });
}

type OrderDecision = {
  readonly outcome: 'committed' | 'taken' | 'released' | 'returned' | 'unchanged';
  readonly changes: readonly LevelChange[];
  readonly writes: readonly ReservationWrite[];
  readonly reservation: Reservation;
};

function takeOrder(
  event: OrderEvent,
  lines: readonly Line[],
  context: DecisionContext,
): Refusal | OrderDecision {
  const decision = decideTake(linesAtLevels(event.merchantId, lines, context));
  if (isRefusal(decision)) return decision;
  // Kept as a reservation that was committed at once, so that a cancellation knows what to return.
  const reservation: Reservation = {
    merchantId: event.merchantId,
    reservationId: newId('rsv'),
    orderId: event.orderId,
    status: 'committed',
    late: false,
    expiresAt: context.now,
    lines,
  };
  const writes = [{ ...reservation, statusRead: null, newLines: lines }];
  return { outcome: 'taken', changes: decision, writes, reservation };
}

function returnOrder(reservation: Reservation, context: DecisionContext): Refusal | OrderDecision {
  const lines = linesAtLevels(reservation.merchantId, reservation.lines, context);
  const decision = decideReturn(lines);
  if (isRefusal(decision)) return decision;
  reservation.status = 'returned';
  const writes = [reservationWrite(reservation, 'committed')];
  return { outcome: 'returned', changes: decision, writes, reservation };
}

function unchanged(reservation: Reservation): OrderDecision {
  return { outcome: 'unchanged', changes: [], writes: [], reservation };
}

function linesDiffer(reservation: Reservation): Refusal {
  return refuse('ORDER.LINES_DIFFER', 'The lines are not those of the reservation.', {
    reservationId: reservation.reservationId,
    lines: reservation.lines,
  });
}

function orderCancelled(orderId: string): Refusal {
  return refuse('ORDER.CANCELLED', 'The order was cancelled and its stock put back.', { orderId });
}

function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  const ids = new Set(a.map(lineId));
  return a.length === b.length && b.every((line) => ids.has(lineId(line)));
}

function lineId({ storeId, sku, quantity }: Line): string {
  return `${storeId}\u0000${sku}\u0000${quantity}`;
}

function orderCommand(
  event: OrderEvent,
  reason: string,
  lines: readonly Line[],
  decideOrder: (reservations: Reservation[], context: DecisionContext) => Refusal | OrderDecision,
): Command {
  const { merchantId, orderId, reservationId } = event;
  const command: ReservationCommand = {
    merchantId,
    commandId: randomUUID(),
    levelKeys: [],
    ownLevelKeys: lines.map(({ sku, storeId }) => ({ merchantId, sku, storeId })),
    wanted: { orderId, ...(reservationId === undefined ? {} : { reservationId }) },
    reservations: [],
    loader: reservationLoader,
    provenance: {
      reason,
      reference: orderId,
      actor: event.actor,
      sourceChannel: event.sourceChannel,
      occurredAt: event.occurredAt,
    },
    idempotencyKey: event.idempotencyKey,
    decide(context): Decision {
      const decision = decideOrder(command.reservations, context);
      if ('code' in decision) return { refusal: decision };
      return {
        changes: decision.changes,
        reservations: decision.writes,
        answer: () => ({
          status: 202,
          body: JSON.stringify({
            type: reason,
            outcome: decision.outcome,
            orderId,
            reservation: viewReservation(decision.reservation, context.now),
          }),
        }),
      };
    },
  };
  return command;
}
