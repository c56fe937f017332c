export { createReservation, reserveAtLevel } from './create-reservation.ts';
export type { CreateReservation } from './create-reservation.ts';
export type { CommitAfterExpiry } from './decide.ts';
export { expireReservations } from './expire-reservations.ts';
export {
  commitReservation,
  expireReservation,
  extendReservation,
  releaseReservation,
} from './move-reservation.ts';
export type { MoveReservation } from './move-reservation.ts';
export { cancelOrder, confirmOrder } from './order-events.ts';
export type { OrderEvent } from './order-events.ts';
export { getReservation, listReservations } from './queries.ts';
export type { ReservationFilter } from './queries.ts';
export { reservationNotFound, type Line, type ReservationView } from './reservation.ts';
export { reservationStatuses, type ReservationStatus } from './tables.ts';
export type { ReservationLineTable, ReservationTable } from './tables.ts';
