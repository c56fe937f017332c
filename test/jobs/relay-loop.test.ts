import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { RelayLoop } from '../../src/jobs/relay-loop.ts';

// How far apart passes begin while there is always something to move.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How far apart the last passes began, of a loop that is woken all the time, in ms. */
async function distances(tookMs: number): Promise<readonly number[]> {
  const began: number[] = [];
  const pass = { messages: 1, jobs: [], isFull: false, isUnwanted: false };
  const loop: RelayLoop = new RelayLoop(
    async () => {
      began.push(performance.now());
      await wait(tookMs);
      loop.wake();
      return pass;
    },
    () => undefined,
    createLogger('silent'),
  );
  loop.start();
  await vi.advanceTimersByTimeAsync(5_000);
  const stopped = loop.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  await stopped;
  return began
    .slice(-20)
    .map((at, n, all) => Math.round((all[n + 1] ?? at) - at))
    .slice(0, -1);
}

test.each([
  { name: 'passes that take nearly no time begin 12 ms apart', tookMs: 1, apart: 12 },
  { name: 'passes that take a moment begin 30 ms apart', tookMs: 10, apart: 30 },
  { name: 'passes that take long begin 80 ms apart', tookMs: 30, apart: 80 },
  { name: 'passes that take longer than that follow each other', tookMs: 100, apart: 100 },
])('$name', async ({ tookMs, apart }) => {
  const found = await distances(tookMs);
  expect(found).toHaveLength(19);
  for (const distance of found) expect(Math.abs(distance - apart)).toBeLessThanOrEqual(1);
});
