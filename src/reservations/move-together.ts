import type { Refusal } from '../errors.ts';
import {
  quantities,
  type DecisionContext,
  type Level,
  type ReservationWrite,
} from '../stock/index.ts';
import { isRefusal, linesAtLevels, type Changes, type LineAtLevel } from './decide.ts';
import { reservationWrite } from './move-reservation.ts';
import type { Reservation } from './reservation.ts';

/** What is decided of a reservation, and what becomes of it where nothing is refused. */
export type Move = {
  decide(reservation: Reservation, lines: readonly LineAtLevel[]): Refusal | Changes;
  apply(reservation: Reservation): void;
};

export type Moved = {
  readonly changes: Changes;
  readonly writes: readonly ReservationWrite[];
};

/**
 * Moves several reservations by one command, all or none. Each is decided on what those before it
 * leave, and a level that several have to do with changes once: a command is one version of it.
 * Refusals: the first that the move gives.
 */
export function moveTogether(
  reservations: readonly Reservation[],
  context: DecisionContext,
  move: Move,
): Refusal | Moved {
  const changes = decideTogether(reservations, context, move);
  if (isRefusal(changes)) return changes;

  // From here on it must succeed.
  const writes = reservations.map((reservation) => {
    const { status } = reservation;
    move.apply(reservation);
    return reservationWrite(reservation, status);
  });
  return { changes, writes };
}

function decideTogether(
  reservations: readonly Reservation[],
  context: DecisionContext,
  move: Move,
): Refusal | Changes {
  const drafts = new Map<Level, Level>();
  const draftContext: DecisionContext = {
    now: context.now,
    level(key) {
      const level = context.level(key);
      const draft = drafts.get(level) ?? { ...level };
      drafts.set(level, draft);
      return draft;
    },
  };
  for (const reservation of reservations) {
    const { merchantId, lines } = reservation;
    const decision = move.decide(reservation, linesAtLevels(merchantId, lines, draftContext));
    if (isRefusal(decision)) return decision;
    for (const { level: draft, changes, expiredHoldsDelta = 0 } of decision) {
      for (const { quantity, delta } of changes) draft[quantity] += delta;
      draft.expiredHolds += expiredHoldsDelta;
    }
  }
  return [...drafts]
    .map(([level, draft]) => ({
      level,
      changes: quantities
        .filter((quantity) => draft[quantity] !== level[quantity])
        .map((quantity) => ({ quantity, delta: draft[quantity] - level[quantity] })),
      expiredHoldsDelta: draft.expiredHolds - level.expiredHolds,
    }))
    .filter(({ changes }) => changes.length > 0);
}
