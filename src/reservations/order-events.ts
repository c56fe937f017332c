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
  decideCommit,
  decideRelease,
  decideReturn,
  decideTake,
  isRefusal,
  linesAtLevels,
  type CommitAfterExpiry,
} from './decide.ts';
import {
  findSet,
  givenBack,
  isCancelled,
  linesOf,
  setsToCancel,
  setsToConfirm,
  type HoldSet,
} from './holds-of-order.ts';
import { reservationLoader, type ReservationCommand } from './load-reservations.ts';
import { markCommitted } from './move-reservation.ts';
import { moveTogether } from './move-together.ts';
import {
  aggregateLines,
  notActive,
  reservationNotFound,
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
 * lines taken from stock instead, the hold could be committed besides. Of an order with several
 * holds the one with these lines is committed, else all that have them together, and the first of
 * those is shown.
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
    if (named === undefined ? isCancelled(own, context.now) : named.status === 'returned') {
      return orderCancelled(orderId);
    }
    const sets: readonly HoldSet[] =
      named === undefined ? setsToConfirm(own, context.now) : [[named]];
    const all = sets.at(-1);
    if (all === undefined) {
      const taken = takeOrder(event, lines, context);
      if (!('code' in taken)) reservations.push(taken.reservation);
      return taken;
    }
    const meant = findSet(sets, lines);
    if (meant === undefined) return linesDiffer(all);
    if (named?.status === 'committed' && named.orderId !== null && named.orderId !== orderId) {
      return notActive(named, context.now);
    }
    return commitHolds(meant, orderId, context, policy);
  });
}

/**
 * An order is off: all its holds are released, and all that it took goes back on hand. Answered
 * with 202 and what it came to, with the first of what was taken, else of what was held. An order
 * that holds nothing any more stays as it is. What is off is not confirmed by a late event, unless
 * it is held anew.
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
    const sets = setsToCancel(own, context.now);
    const all = sets.at(-1);
    if (all === undefined) {
      return refuse('ORDER.NOT_FOUND', 'Nothing is held or sold for this order.', {
        orderId,
      });
    }
    if (findSet(sets, lines) === undefined) return linesDiffer(all);
    const given = givenBack(own, context.now);
    return given === undefined ? unchanged(all[0]) : giveBack(given, orderId, context);
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

/** Sells what is not sold yet, all or none. Refusals: those of `decideCommit`. */
function commitHolds(
  meant: HoldSet,
  orderId: string,
  context: DecisionContext,
  policy: CommitAfterExpiry,
): Refusal | OrderDecision {
  const { now } = context;
  const moving = meant.filter((one) => !isSold(one) || one.orderId !== orderId);
  const [reservation = meant[0]] = moving;
  if (moving.length === 0) return unchanged(reservation);
  const outcome = moving.every(isSold) ? 'unchanged' : 'committed';
  const moved = moveTogether(moving, context, {
    decide: (one, lines) => decideCommit(one, lines, now, policy),
    apply(one) {
      markCommitted(one, now);
      one.orderId = orderId;
    },
  });
  return 'code' in moved ? moved : { outcome, ...moved, reservation };
}

/** Gives back what was bought and what is held. Refusals: STOCK.OUT_OF_RANGE. */
function giveBack(
  given: HoldSet,
  orderId: string,
  context: DecisionContext,
): Refusal | OrderDecision {
  const outcome = given.some(isSold) ? 'returned' : 'released';
  const moved = moveTogether(given, context, {
    decide: (one, lines) =>
      isSold(one) ? decideReturn(lines) : decideRelease(one, lines, context.now),
    apply(one) {
      if (isSold(one)) one.status = 'returned';
      // A hold that was named may be another order's, which is not off.
      else one.status = one.orderId === orderId ? 'cancelled' : 'released';
    },
  });
  return 'code' in moved ? moved : { outcome, ...moved, reservation: given[0] };
}

function isSold({ status }: Reservation): boolean {
  return status === 'committed';
}

function unchanged(reservation: Reservation): OrderDecision {
  return { outcome: 'unchanged', changes: [], writes: [], reservation };
}

function linesDiffer(all: HoldSet): Refusal {
  return refuse('ORDER.LINES_DIFFER', 'The lines are not those of the reservation.', {
    reservationId: all[0].reservationId,
    lines: linesOf(all),
  });
}

function orderCancelled(orderId: string): Refusal {
  return refuse('ORDER.CANCELLED', 'The order was cancelled and its stock put back.', { orderId });
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
