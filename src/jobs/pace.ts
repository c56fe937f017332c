/** When a channel's rounds of claim, call and record begin. */
export type PaceSettings = {
  /** How long changes are collected before a round; 0: it begins at once. */
  readonly windowMs: number;
  /** Rounds begin so far apart, whatever changes meanwhile; null: they follow the changes. */
  readonly intervalMs: number | null;
};

/**
 * While changes of stock wait for their batch, a channel is told of so many listings a second at
 * most: of 100,000 in less than ten seconds. The time that more would take is the writer’s.
 */
const mostBesideWriter = 10_800;
/** Rounds that took longer may be made up for by those after them, as long as it is not more. */
const mostBehindMs = 2_000;

/** Whether changes are collected for a round at all. */
export function collects({ windowMs, intervalMs }: PaceSettings): boolean {
  return windowMs > 0 || intervalMs !== null;
}

/**
 * Holds rounds back so that they carry more: a channel that is rate limited gets one call for what
 * has changed within a window, and one that is polled gets what has changed since the last round.
 * And so that a channel that is behind leaves the writer time.
 */
export class Pace {
  #dueAt: number | undefined;
  #roundAt = -Infinity;
  #restsUntil = -Infinity;

  /** There is something to do. */
  wake(now: number, { windowMs }: PaceSettings): void {
    this.#dueAt ??= now + windowMs;
  }

  /** How long until the next round may begin, in ms; undefined: nothing is known to be due. */
  waitMs(now: number, settings: PaceSettings): number | undefined {
    const { windowMs, intervalMs } = settings;
    if (intervalMs !== null) return Math.max(this.#roundAt + intervalMs - now, 0);
    if (windowMs === 0) return Math.max(this.#restsUntil - now, 0);
    return this.#dueAt === undefined ? undefined : Math.max(this.#dueAt - now, 0);
  }

  /** A round begins. */
  begin(now: number): void {
    this.#roundAt = now;
    this.#dueAt = undefined;
  }

  /**
   * After a round beside a busy writer: the next one begins when the time of its listings is over.
   * @returns whether that is yet to come
   */
  rests(begunAt: number, jobs: readonly { readonly listings: readonly unknown[] }[]): boolean {
    const listings = jobs.reduce((sum, job) => sum + job.listings.length, 0);
    const isBehind = begunAt - this.#restsUntil > mostBehindMs;
    this.#restsUntil =
      (isBehind ? begunAt : this.#restsUntil) + (listings * 1_000) / mostBesideWriter;
    return this.#restsUntil > performance.now();
  }
}
