import { refuse, type Refusal } from '../errors.ts';
import type { ReservationStatus, StoredStatus } from './tables.ts';

export type Line = {
  readonly storeId: string;
  readonly sku: string;
  /** 1 … 2,147,483,647 */
  readonly quantity: number;
};

/** A reservation as a batch works on it. */
export type Reservation = {
  readonly merchantId: string;
  readonly reservationId: string;
  /** A hold may be made without an order; the order that is confirmed with it has it then. */
  orderId: string | null;
  /** As written down: a hold that ended stays active here until the sweep has passed. */
  status: StoredStatus;
  late: boolean;
  expiresAt: Date;
  readonly lines: readonly Line[];
};

/** A reservation as the API shows it. */
export type ReservationView = {
  readonly reservationId: string;
  readonly orderId: string | null;
  readonly status: ReservationStatus;
  readonly expiresAt: string;
  readonly lines: readonly Line[];
  /** Only when it was committed after its time. */
  readonly late?: true;
};

/** Whether a hold has ended by itself: from the instant it expires, swept or not. */
export function hasEnded(
  reservation: Pick<Reservation, 'status' | 'expiresAt'>,
  now: Date,
): boolean {
  return reservation.status === 'active' && reservation.expiresAt <= now;
}

/**
 * The status a reader sees: an active hold whose time is over is expired, one that its order's
 * cancellation ended is released.
 */
export function statusAt(
  reservation: Pick<Reservation, 'status' | 'expiresAt'>,
  now: Date,
): ReservationStatus {
  if (hasEnded(reservation, now)) return 'expired';
  return reservation.status === 'cancelled' ? 'released' : reservation.status;
}

export function viewReservation(reservation: Reservation, now: Date): ReservationView {
  return {
    reservationId: reservation.reservationId,
    orderId: reservation.orderId,
    status: statusAt(reservation, now),
    expiresAt: reservation.expiresAt.toISOString(),
    lines: reservation.lines,
    ...(reservation.late ? { late: true as const } : {}),
  };
}

/** Adds up lines of the same SKU at the same store, in the order of their first mention. */
export function aggregateLines(lines: readonly Line[]): Line[] {
  const sums = new Map<string, Line>();
  for (const line of lines) {
    const id = `${line.storeId}\u0000${line.sku}`;
    const quantity = (sums.get(id)?.quantity ?? 0) + line.quantity;
    sums.set(id, { storeId: line.storeId, sku: line.sku, quantity });
  }
  return [...sums.values()];
}

export function reservationNotFound(reservationId: string): Refusal {
  return refuse('RESERVATION.NOT_FOUND', 'There is no such reservation.', { reservationId });
}

export function notActive(reservation: Reservation, now: Date): Refusal {
  const status = statusAt(reservation, now);
  return refuse('RESERVATION.NOT_ACTIVE', `The reservation is ${status}.`, {
    reservationId: reservation.reservationId,
    reservationStatus: status,
  });
}
