import { aggregateLines, statusAt, type Line, type Reservation } from './reservation.ts';
import type { ReservationStatus } from './tables.ts';

/** Reservations that an event may mean together: one or more. */
export type HoldSet = readonly [Reservation, ...Reservation[]];

/** The first set whose lines are these; without lines the first of all. */
export function findSet(sets: readonly HoldSet[], lines: readonly Line[]): HoldSet | undefined {
  return sets.find((set) => lines.length === 0 || sameLines(lines, linesOf(set)));
}

/** What reservations hold or took together, the same SKU at the same store added up. */
export function linesOf(reservations: readonly Reservation[]): Line[] {
  return aggregateLines(reservations.flatMap(({ lines }) => lines));
}

/** Whether an order was cancelled, sold or held only, and has neither bought nor held since. */
export function isCancelled(own: readonly Reservation[], now: Date): boolean {
  const isOff = own.some(({ status }) => status === 'returned' || status === 'cancelled');
  return isOff && givenBack(own, now) === undefined;
}

/** What the cancellation of an order gives back: all that it bought, then all that it holds. */
export function givenBack(own: readonly Reservation[], now: Date): HoldSet | undefined {
  return setsOf([...withStatus(own, 'committed', now), ...withStatus(own, 'active', now)])[0];
}

/**
 * What the confirmation of an order may mean, likeliest first: what is sold, one hold or all, what
 * is sold with the holds that it leaves, and last with those that have ended; all is the last set.
 * A hold by itself counts only where nothing is sold of what it holds: an order that was held twice
 * is not sold twice.
 */
export function setsToConfirm(own: readonly Reservation[], now: Date): readonly HoldSet[] {
  const sold = withStatus(own, 'committed', now);
  const live = withStatus(own, 'active', now);
  const ended = withStatus(own, 'expired', now);
  const soldAt = new Set(linesOf(sold).map(levelName));
  const isOpen = ({ lines }: Reservation) => !lines.some((line) => soldAt.has(levelName(line)));
  const open = live.filter(isOpen);
  const lasting = [...sold, ...live];
  return setsOf(
    ...each(sold),
    sold,
    ...each(open),
    open,
    lasting,
    ...each(ended.filter(isOpen)),
    lasting.concat(ended),
  );
}

/**
 * What the lines of a cancellation may be: those of what was bought, with or without what is held
 * besides. An order that bought nothing may have been held anew: those of any hold will do then.
 * The last set has the first of what is given back first.
 */
export function setsToCancel(own: readonly Reservation[], now: Date): readonly HoldSet[] {
  const sold = withStatus(own, 'committed', now);
  const live = withStatus(own, 'active', now);
  if (sold.length > 0) return setsOf(sold, [...sold, ...live]);
  if (live.length > 0) return setsOf(...each(live), live);
  const returned = withStatus(own, 'returned', now);
  return setsOf(...each(own), returned, [...returned, ...withStatus(own, 'released', now)], own);
}

function withStatus(
  reservations: readonly Reservation[],
  status: ReservationStatus,
  now: Date,
): Reservation[] {
  return reservations.filter((one) => statusAt(one, now) === status);
}

function setsOf(...sets: readonly (readonly Reservation[])[]): HoldSet[] {
  return sets.flatMap(([first, ...others]) => (first === undefined ? [] : [[first, ...others]]));
}

function each(reservations: readonly Reservation[]): HoldSet[] {
  return reservations.map((one) => [one]);
}

function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  const ids = new Set(a.map(lineId));
  return a.length === b.length && b.every((line) => ids.has(lineId(line)));
}

function lineId(line: Line): string {
  return `${levelName(line)}\u0000${line.quantity}`;
}

function levelName({ storeId, sku }: Line): string {
  return `${storeId}\u0000${sku}`;
}
