import { refuse, type Refusal } from '../errors.ts';
import type { Config } from '../config.ts';
import type { Caller } from './context.ts';

type Bucket = { tokens: number; filledAt: number };

const mostKept = 10_000;

/** Lets each key make so many requests a second, and a burst more. */
export class RateLimit {
  readonly #rps: number;
  readonly #burst: number;
  /** Nobody asked for the limit: the admin key, which sets an installation up, is spared. */
  readonly #sparesAdmin: boolean;
  readonly #buckets = new Map<string, Bucket>();

  constructor(server: Config['server']) {
    this.#rps = server.rateLimitRps;
    this.#burst = Math.max(1, server.rateLimitBurst);
    this.#sparesAdmin = server.rateLimitIsDefault;
  }

  /** Takes one request from the key's bucket. Refusals: RATE_LIMIT.EXCEEDED. */
  take(caller: Caller, now = performance.now()): Refusal | undefined {
    if (this.#rps === 0 || (this.#sparesAdmin && caller.role === 'root')) return undefined;
    let bucket = this.#buckets.get(caller.keyId);
    if (bucket === undefined) {
      bucket = { tokens: this.#burst, filledAt: now };
      this.#forgetFull(now);
      this.#buckets.set(caller.keyId, bucket);
    }
    const gained = ((now - bucket.filledAt) / 1000) * this.#rps;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.filledAt = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return undefined;
    }
    return refuse('RATE_LIMIT.EXCEEDED', `A key may make ${this.#rps} requests a second.`, {
      retryAfterSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rps)),
    });
  }

  /** A bucket that is full again says no more than none. */
  #forgetFull(now: number): void {
    if (this.#buckets.size < mostKept) return;
    for (const [keyId, { tokens, filledAt }] of this.#buckets) {
      if (tokens + ((now - filledAt) / 1000) * this.#rps >= this.#burst) {
        this.#buckets.delete(keyId);
      }
    }
  }
}
