import { randomUUID } from 'node:crypto';
import type { Refusal } from '../errors.ts';
import type { Command, Decision, DecisionContext, IdempotencyKey } from '../stock/index.ts';
import {
  decideCommit,
  decideExpire,
  decideExtend,
  decideRelease,
  isRefusal,
  linesAtLevels,
  type Changes,
  type CommitAfterExpiry,
} from './decide.ts';
import { reservationLoader, type ReservationCommand } from './load-reservations.ts';
import { hasEnded, reservationNotFound, viewReservation, type Reservation } from './reservation.ts';
import type { StoredStatus } from './tables.ts';

export type MoveReservation = {
  readonly merchantId: string;
  readonly reservationId: string;
  readonly actor: string | null;
  readonly sourceChannel?: string | undefined;
  /** When it happened in the world; absent: when it is recorded. */
  readonly occurredAt?: Date | undefined;
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/**
 * Turns a hold into a sale; answered with 200 and the reservation, `late: true` when its time was
 * over. A repeat changes nothing. Refusals: RESERVATION.NOT_FOUND, RESERVATION.NOT_ACTIVE,
 * RESERVATION.EXPIRED, STOCK.INSUFFICIENT.
 */
export function commitReservation(input: MoveReservation, policy: CommitAfterExpiry): Command {
  return moveCommand(input, 'reservation.committed', (reservation, context) => {
    const lines = linesAtLevels(reservation.merchantId, reservation.lines, context);
    const decision = decideCommit(reservation, lines, context.now, policy);
    if (!isRefusal(decision)) markCommitted(reservation, context.now);
    return decision;
  });
}

/**
 * Gives a hold back; answered with 200 and the reservation. A repeat changes nothing.
 * Refusals: RESERVATION.NOT_FOUND, RESERVATION.NOT_ACTIVE.
 */
export function releaseReservation(input: MoveReservation): Command {
  return moveCommand(input, 'reservation.released', (reservation, context) => {
    const lines = linesAtLevels(reservation.merchantId, reservation.lines, context);
    const decision = decideRelease(reservation, lines, context.now);
    if (!isRefusal(decision) && decision.length > 0) reservation.status = 'released';
    return decision;
  });
}

/**
 * Lets a hold last `ttlSeconds` from now; answered with 200 and the reservation.
 * Refusals: RESERVATION.NOT_FOUND, RESERVATION.NOT_ACTIVE.
 */
export function extendReservation(input: MoveReservation, ttlSeconds: number): Command {
  return moveCommand(input, 'reservation.extended', (reservation, context) => {
    const lines = linesAtLevels(reservation.merchantId, reservation.lines, context);
    const decision = decideExtend(reservation, lines, context.now);
    if (isRefusal(decision)) return decision;
    reservation.expiresAt = new Date(context.now.getTime() + ttlSeconds * 1000);
    return decision;
  });
}

/** Writes down that a hold has ended, where it has. Refusals: RESERVATION.NOT_FOUND. */
export function expireReservation(input: MoveReservation): Command {
  return moveCommand(input, 'reservation.expired', (reservation, context) => {
    const lines = linesAtLevels(reservation.merchantId, reservation.lines, context);
    const decision = decideExpire(reservation, lines, context.now);
    if (hasEnded(reservation, context.now)) reservation.status = 'expired';
    return decision;
  });
}

/** Moves a reservation that is decided to be committed. */
export function markCommitted(reservation: Reservation, now: Date): void {
  if (reservation.status === 'committed') return;
  reservation.late = reservation.status === 'expired' || hasEnded(reservation, now);
  reservation.status = 'committed';
}

function moveCommand(
  input: MoveReservation,
  reason: string,
  move: (reservation: Reservation, context: DecisionContext) => Refusal | Changes,
): Command {
  const { merchantId, reservationId } = input;
  const command: ReservationCommand = {
    merchantId,
    commandId: randomUUID(),
    levelKeys: [],
    ownLevelKeys: [],
    wanted: { reservationId },
    reservations: [],
    loader: reservationLoader,
    provenance: {
      reason,
      reference: reservationId,
      actor: input.actor,
      sourceChannel: input.sourceChannel ?? null,
      occurredAt: input.occurredAt ?? null,
    },
    idempotencyKey: input.idempotencyKey,
    decide(context): Decision {
      const [reservation] = command.reservations;
      if (reservation === undefined) return { refusal: reservationNotFound(reservationId) };
      command.provenance = {
        ...command.provenance,
        reference: reservation.orderId ?? reservationId,
      };
      const statusRead = reservation.status;
      const decision = move(reservation, context);
      if (isRefusal(decision)) return { refusal: decision };
      return {
        changes: decision,
        reservations: decision.length === 0 ? [] : [reservationWrite(reservation, statusRead)],
        answer: () => ({
          status: 200,
          body: JSON.stringify(viewReservation(reservation, context.now)),
        }),
      };
    },
  };
  return command;
}

/** What the batch writes of a reservation that was `statusRead` before. */
export function reservationWrite(
  reservation: Reservation,
  statusRead: StoredStatus,
): Reservation & { statusRead: StoredStatus; newLines: [] } {
  return { ...reservation, statusRead, newLines: [] };
}
