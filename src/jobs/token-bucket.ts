/** Spreads calls over time: so many a second on average, a tenth of a second's worth at once. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens = 1;
  #at: number;

  /** @param perSecond above 0 */
  constructor(perSecond: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond / 10);
    this.#at = now;
  }

  /** How many are there. */
  left(now: number): number {
    return Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs);
  }

  /** Takes a token and returns how long to wait until it is there, in ms. */
  take(now: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }
}
