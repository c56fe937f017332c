import type { RevisionLimit } from './adapter.ts';

/** Where a budget stands. */
export type Budget = {
  /** Revisions of the day, those that are not answered included. */
  readonly spent: number;
  /** The newest of them. */
  readonly spentAt: Date | null;
};

const dayMs = 86_400_000;
/** Clocks differ: what goes out so near to midnight is counted for both days. */
const marginMs = 300_000;

/**
 * How long a revision has to wait, in ms; 0: it may go out. Of a day's budget the first half goes
 * out as it comes, up to nine tenths are spread over what is left of the day, and the last tenth is
 * kept for going to 0: what is sold out must not be sold on for want of a revision.
 */
export function revisionWaitMs(
  { spent, spentAt }: Budget,
  { perDay, timeZone }: RevisionLimit,
  about: { readonly now: Date; readonly isToZero: boolean },
): number {
  const { now, isToZero } = about;
  const turnMs = msToMidnight(now, timeZone) + marginMs;
  const kept = Math.ceil(perDay / 10);
  const ordinary = perDay - kept;
  if (spent >= (isToZero ? perDay : ordinary)) return turnMs;
  if (isToZero || spent < Math.floor(perDay / 2) || spentAt === null) return 0;
  const betweenMs = turnMs / (ordinary - spent);
  return Math.max(Math.ceil(spentAt.getTime() + betweenMs - now.getTime()), 0);
}

/** The calendar days that a revision made now may be counted for, as `2026-11-21`. */
export function revisionDays(now: Date, timeZone: string): readonly string[] {
  const at = [now.getTime() - marginMs, now.getTime() + marginMs];
  return [...new Set(at.map((ms) => dayOf(new Date(ms), timeZone)))];
}

function dayOf(at: Date, timeZone: string): string {
  const { year, month, day } = partsOf(at, timeZone);
  return `${year}-${month}-${day}`;
}

/** On the two days a year that are shorter or longer up to an hour too late or early. */
function msToMidnight(at: Date, timeZone: string): number {
  const { hour, minute, second } = partsOf(at, timeZone);
  const passed = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  return dayMs - passed - at.getUTCMilliseconds();
}

function partsOf(at: Date, timeZone: string): Readonly<Record<string, string>> {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}
