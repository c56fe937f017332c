/** What was heard counts for so long. */
const goodForMs = 1_000;
/** By so much a clock may go wrong against another, as a share of the time that passes. */
const drift = 0.001;

/**
 * The database's clock, known without asking: never behind it, and ahead of it by less than a round
 * trip. So whatever is stamped by it comes after all that the database had stamped before.
 */
export class DatabaseClock {
  /** How much the database's clock is ahead of this process's, at the most, in ms. */
  #ahead = Number.POSITIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  #lastMs = 0;

  /**
   * @param databaseMs what it showed, in ms since 1970
   * @param askedAt when it was asked, by `performance.now()`
   */
  hear(databaseMs: number, askedAt: number): void {
    const now = performance.now();
    const most = databaseMs - askedAt;
    const least = databaseMs - now;
    const known = this.#ahead + (now - this.#heardAt) * drift;
    // Below the least it could be: somebody set the database's clock.
    this.#ahead = known < least ? most : Math.min(known, most);
    this.#heardAt = now;
  }

  /** Milliseconds since 1970, never less than before; undefined when it was not heard lately. */
  now(): number | undefined {
    const now = performance.now();
    const silence = now - this.#heardAt;
    if (silence > goodForMs) return undefined;
    this.#lastMs = Math.max(this.#lastMs, Math.ceil(now + this.#ahead + silence * drift));
    return this.#lastMs;
  }
}
