import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DatabaseClock } from '../../src/stock/database-clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): void => {
  vi.advanceTimersByTime(ms);
};

/** A clock of the database's that is asked and answers after so many ms. */
function ask(clock: DatabaseClock, databaseMs: () => number, there: number, back: number): void {
  const askedAt = performance.now();
  pass(there);
  const shown = databaseMs();
  pass(back);
  clock.hear(shown, askedAt);
}

test('nobody knows a clock that was never heard, or not lately', () => {
  const clock = new DatabaseClock();
  expect(clock.now()).toBeUndefined();
  ask(clock, () => 1_000_000, 1, 1);
  expect(clock.now()).toBeDefined();
  pass(6_000);
  expect(clock.now()).toBeUndefined();
});

test('it is never behind the database, and ahead by less than the shortest way there', () => {
  const began = 1_000_000;
  const database = (): number => began + performance.now();
  const clock = new DatabaseClock();
  for (const [there, back] of [
    [30, 1],
    [2, 40],
    [25, 25],
  ] as const) {
    ask(clock, database, there, back);
    expect(clock.now()).toBeGreaterThanOrEqual(database());
    expect(clock.now()).toBeLessThanOrEqual(database() + there + 1);
  }
  expect(clock.now()).toBeLessThanOrEqual(database() + 3);
});

test('it follows a clock that is set forward, and never goes back itself', () => {
  let base = 1_000_000;
  const database = (): number => base + performance.now();
  const clock = new DatabaseClock();
  ask(clock, database, 1, 1);
  base += 60_000;
  ask(clock, database, 1, 1);
  const before = clock.now() ?? 0;
  expect(before).toBeGreaterThanOrEqual(database());
  base -= 60_000;
  ask(clock, database, 1, 1);
  expect(clock.now()).toBeGreaterThanOrEqual(before);
});
