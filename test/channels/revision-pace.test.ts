import { expect, test } from 'vitest';
import { revisionDays, revisionWaitMs } from '../../src/channels/revision-pace.ts';

const limit = { perDay: 250, timeZone: 'America/Los_Angeles' };
/** Noon there, in winter. */
const noon = new Date('2026-11-21T20:00:00Z');
const hourMs = 3_600_000;
const minuteMs = 60_000;
const toTurnMs = 12 * hourMs + 5 * minuteMs;

function waitMs(spent: number, more: { isToZero?: boolean; sinceMs?: number } = {}): number {
  const { isToZero = false, sinceMs = 0 } = more;
  const spentAt = new Date(noon.getTime() - sinceMs);
  return revisionWaitMs({ spent, spentAt }, limit, { now: noon, isToZero });
}

test('the first half of a day’s revisions goes out as it comes', () => {
  expect([waitMs(0), waitMs(124)]).toEqual([0, 0]);
});

test('from then on they are spread over what is left of the day', () => {
  // 100 are left until the last tenth begins.
  expect(waitMs(125)).toBe(toTurnMs / 100);
  expect(waitMs(125, { sinceMs: minuteMs })).toBe(toTurnMs / 100 - minuteMs);
  expect(waitMs(125, { sinceMs: hourMs })).toBe(0);
  expect(waitMs(224)).toBe(toTurnMs);
});

test('the last tenth is for going to 0', () => {
  expect(waitMs(225, { sinceMs: 20 * hourMs })).toBe(toTurnMs);
  expect(waitMs(125, { isToZero: true })).toBe(0);
  expect(waitMs(249, { isToZero: true })).toBe(0);
  expect(waitMs(250, { isToZero: true })).toBe(toTurnMs);
});

test('spending as soon as it is allowed, all day, never takes more than the budget', () => {
  for (const timeZone of ['UTC', 'Asia/Kolkata', 'America/Los_Angeles']) {
    let spent = 0;
    let now = Date.parse('2026-06-01T00:06:00Z');
    const [day] = revisionDays(new Date(now), timeZone);
    let spentAt: Date | null = null;
    while (revisionDays(new Date(now), timeZone).includes(day ?? '')) {
      const about = { now: new Date(now), isToZero: false };
      const wait = revisionWaitMs({ spent, spentAt }, { ...limit, timeZone }, about);
      now += wait;
      if (wait > 0) continue;
      spent += 1;
      spentAt = new Date(now);
      now += 1_000;
    }
    expect(spent).toBeLessThanOrEqual(225);
    expect(spent).toBeGreaterThan(200);
  }
});

test.each([
  ['2026-11-21T20:00:00Z', ['2026-11-21']],
  ['2026-11-22T07:59:00Z', ['2026-11-21', '2026-11-22']],
  ['2026-11-22T08:04:00Z', ['2026-11-21', '2026-11-22']],
  ['2026-11-22T08:06:00Z', ['2026-11-22']],
])('what is revised at %s may be counted for %j', (at, days) => {
  expect(revisionDays(new Date(at), limit.timeZone)).toEqual(days);
});
