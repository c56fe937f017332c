import { CircuitState as State, CountBreaker } from 'cockatiel';

/** `closed`: calls go out; `open`: none until the next probe; `half-open`: one may go out now. */
export type CircuitState = 'closed' | 'open' | 'half-open';

export type BreakerSettings = {
  /** The share of failing ones of the newest calls above which it opens: above 0, at most 1. */
  readonly threshold: number;
  /** How long it is open then, until one call goes out to see, in ms. */
  readonly cooldownMs: number;
};

/** So many of the newest calls are counted, and fewer than these tell nothing. */
const window = { size: 20, minimumNumberOfCalls: 10 };

/**
 * Keeps a channel that fails from being called more than it takes to see it come back.
 *
 * After a failed call one call at a time goes out. The first failure is followed by another job at
 * once: it tells a message the channel cannot take from a channel that is down. After the second in
 * a row the next call waits as long as the failed job does, so that the oldest job goes through its
 * whole schedule, and the others wait without using up their attempts. When more than a share of
 * the newest calls failed, the circuit opens for the cooldown, however short the schedule is; then
 * one call decides whether it stays open for another.
 */
export class Circuit {
  readonly #settings: BreakerSettings;
  #breaker: CountBreaker;
  #failures = 0;
  #probeAt = 0;
  /** Opened by the share of failures, and not by the schedule of the job that failed. */
  #isBroken = false;
  #failingSince = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#breaker = this.#newBreaker();
  }

  get isClosed(): boolean {
    return this.#failures === 0;
  }

  /** How long until a call may go out, in ms. */
  waitMs(now: number): number {
    return this.isClosed ? 0 : Math.max(this.#probeAt - now, 0);
  }

  /** How long every call has failed, in ms; 0 while it is closed. */
  failingMs(now: number): number {
    return this.isClosed ? 0 : now - this.#failingSince;
  }

  state(now: number): CircuitState {
    if (this.isClosed) return 'closed';
    return this.waitMs(now) > 0 ? 'open' : 'half-open';
  }

  succeeded(): void {
    this.#breaker.success(this.#isBroken ? State.HalfOpen : State.Closed);
    this.#close();
  }

  /** @param retryMs when the failed job is tried again */
  failed(now: number, retryMs: number): void {
    if (this.isClosed) this.#failingSince = now;
    this.#failures += 1;
    this.#isBroken = this.#breaker.failure(this.#isBroken ? State.HalfOpen : State.Closed);
    if (this.#isBroken) this.#probeAt = now + Math.max(retryMs, this.#settings.cooldownMs);
    else if (this.#failures > 1) this.#probeAt = now + retryMs;
  }

  /** A fresh start: the channel was changed, or somebody asked for deliveries. */
  reset(): void {
    this.#breaker = this.#newBreaker();
    this.#close();
  }

  #close(): void {
    this.#failures = 0;
    this.#probeAt = 0;
    this.#isBroken = false;
  }

  #newBreaker(): CountBreaker {
    // A share of 1 is not to be reached by failing calls alone: as good as all of them.
    return new CountBreaker({ threshold: Math.min(this.#settings.threshold, 0.999), ...window });
  }
}
