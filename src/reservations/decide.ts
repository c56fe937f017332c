import { refuse, type Refusal } from '../errors.ts';
import {
  availableOf,
  maxQuantity,
  storeNotFound,
  type DecisionContext,
  type Level,
  type LevelChange,
} from '../stock/index.ts';
import { hasEnded, notActive, statusAt, type Line, type Reservation } from './reservation.ts';

/** Whether a hold whose time is over may still be committed. */
export type CommitAfterExpiry = 'if-available' | 'never';

export type Changes = readonly LevelChange[];

/** Tells a refusal from changes. */
export function isRefusal(decision: Refusal | Changes): decision is Refusal {
  return 'code' in decision;
}

export type LineAtLevel = { readonly line: Line; readonly level: Level };

/** The lines with their levels. */
export function linesAtLevels(
  merchantId: string,
  lines: readonly Line[],
  context: DecisionContext,
): LineAtLevel[] {
  return lines.map((line) => ({
    line,
    level: context.level({ merchantId, sku: line.sku, storeId: line.storeId }),
  }));
}

/**
 * The guards of everything that takes available stock. Lines must be aggregated.
 * Refusals, in this order: STORE.NOT_FOUND, STOCK.INSUFFICIENT with every line that is short.
 */
function guardAvailable(lines: readonly LineAtLevel[]): Refusal | undefined {
  for (const { level } of lines) if (!level.storeExists) return storeNotFound(level.storeId);
  return guardShort(lines, availableOf);
}

function outOfRange(quantity: string, { storeId, sku }: Line): Refusal {
  return refuse('STOCK.OUT_OF_RANGE', `${quantity} would exceed ${maxQuantity}.`, { storeId, sku });
}

function guardShort(
  lines: readonly LineAtLevel[],
  free: (level: Level) => number,
): Refusal | undefined {
  const short = lines
    .filter(({ line, level }) => free(level) < line.quantity)
    .map(({ line, level }) => ({
      storeId: line.storeId,
      sku: line.sku,
      requested: line.quantity,
      available: free(level),
    }));
  const [first] = short;
  if (first === undefined) return undefined;
  return refuse(
    'STOCK.INSUFFICIENT',
    `${first.requested} requested, ${first.available} available.`,
    {
      available: first.available,
      requested: first.requested,
      lines: short,
    },
  );
}

/** Holds every line or none. Refusals: those of `guardAvailable`, then STOCK.OUT_OF_RANGE. */
export function decideReserve(lines: readonly LineAtLevel[]): Refusal | Changes {
  const refusal = guardAvailable(lines);
  if (refusal !== undefined) return refusal;
  const beyond = lines.find(({ line, level }) => level.reserved + line.quantity > maxQuantity);
  if (beyond !== undefined) return outOfRange('reserved', beyond.line);

  // From here on it must succeed.
  return lines.map(({ line, level }) => ({
    level,
    changes: [{ quantity: 'reserved', delta: line.quantity }],
  }));
}

/** Takes every line from on hand without a hold, or none. Refusals: those of `guardAvailable`. */
export function decideTake(lines: readonly LineAtLevel[]): Refusal | Changes {
  const refusal = guardAvailable(lines) ?? guardShort(lines, (level) => level.onHand);
  if (refusal !== undefined) return refusal;

  // From here on it must succeed.
  return lines.map(({ line, level }) => ({
    level,
    changes: [{ quantity: 'onHand', delta: -line.quantity }],
  }));
}

/**
 * Turns a hold into a sale: on hand and reserved fall together. After its time only where the
 * stock is still free and the policy allows it; `reservation.late` says so then.
 *
 * Refusals, in this order: RESERVATION.NOT_ACTIVE (released, returned), RESERVATION.EXPIRED,
 * STOCK.INSUFFICIENT (a count has found less than was held).
 */
export function decideCommit(
  reservation: Reservation,
  lines: readonly LineAtLevel[],
  now: Date,
  policy: CommitAfterExpiry,
): Refusal | Changes {
  if (reservation.status === 'committed') return [];
  const ended = hasEnded(reservation, now);
  const late = ended || reservation.status === 'expired';
  if (!late && reservation.status !== 'active') return notActive(reservation, now);
  if (late && (policy === 'never' || guardShort(lines, availableOf) !== undefined)) {
    return refuse('RESERVATION.EXPIRED', 'The hold has ended and its stock is no longer free.', {
      reservationId: reservation.reservationId,
      expiresAt: reservation.expiresAt.toISOString(),
    });
  }
  const refusal = guardShort(lines, (level) => level.onHand);
  if (refusal !== undefined) return refusal;

  // From here on it must succeed.
  const swept = reservation.status === 'expired';
  return lines.map(({ line, level }) => ({
    level,
    changes: swept
      ? [{ quantity: 'onHand', delta: -line.quantity }]
      : [
          { quantity: 'onHand', delta: -line.quantity },
          { quantity: 'reserved', delta: -line.quantity },
        ],
    expiredHoldsDelta: ended ? -line.quantity : 0,
  }));
}

/** Gives a hold back. Refusals: RESERVATION.NOT_ACTIVE (committed, expired, returned). */
export function decideRelease(
  reservation: Reservation,
  lines: readonly LineAtLevel[],
  now: Date,
): Refusal | Changes {
  if (statusAt(reservation, now) === 'released') return [];
  if (reservation.status !== 'active' || hasEnded(reservation, now)) {
    return notActive(reservation, now);
  }
  return endHold(lines, 0);
}

/** Writes down that a hold has ended. Nothing to do where it has not, or is written already. */
export function decideExpire(
  reservation: Reservation,
  lines: readonly LineAtLevel[],
  now: Date,
): Changes {
  return hasEnded(reservation, now) ? endHold(lines, -1) : [];
}

/**
 * Lets a hold last until a later moment. Each level gets an entry with delta 0: its version moves,
 * so that nobody who already counted the hold as ended can commit on it.
 * Refusals: RESERVATION.NOT_ACTIVE.
 */
export function decideExtend(
  reservation: Reservation,
  lines: readonly LineAtLevel[],
  now: Date,
): Refusal | Changes {
  if (reservation.status !== 'active' || hasEnded(reservation, now)) {
    return notActive(reservation, now);
  }
  return lines.map(({ level }) => ({ level, changes: [{ quantity: 'reserved', delta: 0 }] }));
}

/** Puts the lines of a cancelled order back on hand. Refusals: STOCK.OUT_OF_RANGE. */
export function decideReturn(lines: readonly LineAtLevel[]): Refusal | Changes {
  const beyond = lines.find(({ line, level }) => level.onHand + line.quantity > maxQuantity);
  if (beyond !== undefined) return outOfRange('onHand', beyond.line);
  return lines.map(({ line, level }) => ({
    level,
    changes: [{ quantity: 'onHand', delta: line.quantity }],
  }));
}

function endHold(lines: readonly LineAtLevel[], expiredHoldsSign: -1 | 0): Changes {
  return lines.map(({ line, level }) => ({
    level,
    changes: [{ quantity: 'reserved', delta: -line.quantity }],
    expiredHoldsDelta: expiredHoldsSign * line.quantity,
  }));
}
