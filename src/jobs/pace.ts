/** When a channel's rounds of claim, call and record begin. */
export type PaceSettings = {
  /** How long changes are collected before a round; 0: it begins at once. */
  readonly windowMs: number;
  /** Rounds begin so far apart, whatever changes meanwhile; null: they follow the changes. */
  readonly intervalMs: number | null;
};

/** Whether changes are collected for a round at all. */
export function collects({ windowMs, intervalMs }: PaceSettings): boolean {
  return windowMs > 0 || intervalMs !== null;
}

/**
 * Holds rounds back so that they carry more: a channel that is rate limited gets one call for what
 * has changed within a window, and one that is polled gets what has changed since the last round.
 */
export class Pace {
  #dueAt: number | undefined;
  #roundAt = -Infinity;

  /** There is something to do. */
  wake(now: number, { windowMs }: PaceSettings): void {
    this.#dueAt ??= now + windowMs;
  }

  /** How long until the next round may begin, in ms; undefined: nothing is known to be due. */
  waitMs(now: number, settings: PaceSettings): number | undefined {
    const { windowMs, intervalMs } = settings;
    if (intervalMs !== null) return Math.max(this.#roundAt + intervalMs - now, 0);
    if (windowMs === 0) return 0;
    return this.#dueAt === undefined ? undefined : Math.max(this.#dueAt - now, 0);
  }

  /** A round begins. */
  begin(now: number): void {
    this.#roundAt = now;
    this.#dueAt = undefined;
  }
}
