import { setTimeout as sleep } from 'node:timers/promises';

/** What Amazon lets every seller do with listings: so many at once, then so many a second. */
const burst = 5;
const usualPerSecond = 5;

/** When the requests of one call to one operation may go out. */
export type Pace = {
  /** Waits for the next request's turn, or until the signal ends it. */
  turn(signal: AbortSignal): Promise<void>;
  /** Amazon has said how many it takes a second. */
  learn(perSecond: number | undefined): void;
  /** Until everything that went out at once is there again, in ms. */
  refillMs(): number;
};

export function startPace(): Pace {
  const from = performance.now();
  let perSecond = usualPerSecond;
  let requests = 0;
  return {
    turn: async (signal) => {
      const startAt = from + (Math.max(requests - burst + 1, 0) * 1_000) / perSecond;
      requests += 1;
      const ms = startAt - performance.now();
      if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
    },
    learn: (told) => {
      perSecond = told ?? perSecond;
    },
    refillMs: () => Math.ceil((Math.min(requests, burst) * 1_000) / perSecond),
  };
}
