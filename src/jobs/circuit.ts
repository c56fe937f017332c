/** `closed`: calls go out; `open`: none until the next probe; `half-open`: one may go out now. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * Keeps a channel that fails from being called more than it takes to see it come back.
 *
 * After a failed call one call at a time goes out. The first failure is followed by another job at
 * once: it tells a message the channel cannot take from a channel that is down. After the second in
 * a row the next call waits as long as the failed job does, so that the oldest job goes through its
 * whole schedule, and the others wait without using up their attempts.
 */
export class Circuit {
  #failures = 0;
  #probeAt = 0;

  get isClosed(): boolean {
    return this.#failures === 0;
  }

  /** How long until a call may go out, in ms. */
  waitMs(now: number): number {
    return this.isClosed ? 0 : Math.max(this.#probeAt - now, 0);
  }

  state(now: number): CircuitState {
    if (this.isClosed) return 'closed';
    return this.waitMs(now) > 0 ? 'open' : 'half-open';
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probeAt = 0;
  }

  /** @param retryMs when the failed job is tried again */
  failed(now: number, retryMs: number): void {
    this.#failures += 1;
    if (this.#failures > 1) this.#probeAt = now + retryMs;
  }
}
