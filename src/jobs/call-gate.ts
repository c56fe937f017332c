import type { ChannelRow } from '../channels/index.ts';
import { Circuit, type CircuitState } from './circuit.ts';
import { TokenBucket } from './token-bucket.ts';

/** Calls of one channel under way at once. */
const places = 4;
/** A call must end so long before the lease does. */
const leaseMarginMs = 250;

/**
 * What stands between a channel's jobs and its calls: a few places (the bulkhead), the rate limit,
 * the circuit, the pause the channel asked for, and the lease, which has to outlast the call.
 */
export class CallGate {
  readonly circuit = new Circuit();
  readonly #ended = new AbortController();
  #bucket: TokenBucket | undefined;
  #rateLimitRps: number | null = null;
  #timeoutMs: number;
  #leaseUntil = 0;
  #blockedUntil = 0;
  #running = 0;
  #waiting: (() => void)[] = [];
  #isOpen = true;

  /** @param blockedMs how long the channel is to be left alone, asked for by an earlier leader */
  constructor(channel: ChannelRow, blockedMs: number) {
    this.#timeoutMs = channel.timeout_ms;
    this.configure(channel);
    if (blockedMs > 0) this.block(blockedMs);
  }

  /** Aborts calls that have to end now. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get isClosed(): boolean {
    return this.circuit.isClosed;
  }

  get isLeased(): boolean {
    return performance.now() < this.#leaseUntil;
  }

  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  get state(): CircuitState {
    return this.circuit.state(performance.now());
  }

  /** Takes over a channel's settings; a changed one gets a fresh start. */
  configure(channel: ChannelRow): void {
    this.#timeoutMs = channel.timeout_ms;
    if (channel.rate_limit_rps !== this.#rateLimitRps) {
      this.#rateLimitRps = channel.rate_limit_rps;
      this.#bucket =
        channel.rate_limit_rps === null
          ? undefined
          : new TokenBucket(channel.rate_limit_rps, performance.now());
    }
    if (channel.blocked_until === null) this.#blockedUntil = 0;
    this.circuit.succeeded();
  }

  resetCircuit(): void {
    this.circuit.succeeded();
  }

  renew(until: number): void {
    this.#leaseUntil = until;
  }

  /** The channel asked to be left alone for so long. */
  block(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, performance.now() + ms);
  }

  /** How long until a call may go out, in ms; a lease that is about to end is waited for. */
  waitMs(): number {
    const now = performance.now();
    const blocked = Math.max(this.#blockedUntil - now, 0);
    const lease = this.#outlasts(now) ? 0 : 100;
    return Math.max(blocked, lease, this.circuit.waitMs(now));
  }

  /** Not more jobs than can be called within a second: others can wait in the queue. */
  claimLimit(most: number): number {
    if (this.#rateLimitRps === null) return most;
    return Math.max(1, Math.min(most, Math.floor(this.#rateLimitRps)));
  }

  /**
   * Runs a call when its turn comes, or not at all: then its jobs have to be given back, because
   * the channel fails, is to be left alone, or is not ours any more.
   * @param isProbe the one call that may go out while the channel fails
   */
  async pass<T>(isProbe: boolean, call: () => Promise<T>): Promise<T | undefined> {
    await this.#place();
    try {
      const delay = this.#bucket?.take(performance.now()) ?? 0;
      if (delay > 0 && this.#isOpen) await this.#pause(delay);
      const now = performance.now();
      const mayCall =
        this.#isOpen &&
        this.#outlasts(now) &&
        this.#blockedUntil <= now &&
        (isProbe || this.circuit.isClosed);
      return mayCall ? await call() : undefined;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** No call begins any more. */
  close(): void {
    this.#isOpen = false;
  }

  /** Those under way end now. */
  cutOff(): void {
    this.#ended.abort(new Error('stopped'));
  }

  #outlasts(now: number): boolean {
    return now + this.#timeoutMs + leaseMarginMs < this.#leaseUntil;
  }

  async #place(): Promise<void> {
    if (this.#running >= places) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#running += 1;
  }

  /** A wait that ends early when the process stops. */
  async #pause(ms: number): Promise<void> {
    const step = 100;
    const until = performance.now() + ms;
    for (let left = ms; left > 0 && this.#isOpen; left = until - performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, step)));
    }
  }
}
