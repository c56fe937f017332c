import type { Capabilities, ChannelRow } from '../channels/index.ts';
import { Circuit, type BreakerSettings, type CircuitState } from './circuit.ts';
import { TokenBucket } from './token-bucket.ts';

/** Calls of one channel under way at once. */
const places = 4;
/** A call must end so long before the lease does. */
const leaseMarginMs = 250;
/** Shorter waits are waited out in the place; for longer ones the jobs are given back. */
const shortWaitMs = 1_000;

export type GateOptions = {
  /** How long the channel is to be left alone, asked for by an earlier leader, in ms. */
  readonly blockedMs: number;
  readonly breaker: BreakerSettings;
  /** By what the channel limits us. */
  readonly rateModel: Capabilities['rateModel'];
};

/**
 * What stands between a channel's jobs and its calls: a few places (the bulkhead), the rate limit,
 * the circuit, the pause the channel asked for, and the lease, which has to outlast the call.
 */
export class CallGate {
  readonly circuit: Circuit;
  readonly #ended = new AbortController();
  #bucket: TokenBucket | undefined;
  #rateLimitRps: number | null = null;
  #timeoutMs: number;
  #leaseUntil = 0;
  #blockedUntil = 0;
  #running = 0;
  #waiting: (() => void)[] = [];
  #isOpen = true;
  /** Each call has to know what the one before it cost. */
  #isPaced: boolean;
  #throttled = 0;

  constructor(channel: ChannelRow, { blockedMs, breaker, rateModel }: GateOptions) {
    this.circuit = new Circuit(breaker);
    this.#isPaced = rateModel === 'cost';
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

  /** How often the channel asked us to be slower. */
  get throttled(): number {
    return this.#throttled;
  }

  /** Calls that the rate limit would let go out at once; null: there is none. */
  get tokens(): number | null {
    return this.#bucket === undefined ? null : Math.max(this.#bucket.left(performance.now()), 0);
  }

  /** For how long no call goes out because the channel or its circuit says so, in ms. */
  get blockedMs(): number {
    const now = performance.now();
    return Math.max(this.#blockedUntil - now, this.circuit.waitMs(now), 0);
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
    this.circuit.reset();
  }

  renew(until: number): void {
    this.#leaseUntil = until;
  }

  /** The channel asked to be left alone for so long. */
  block(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, performance.now() + ms);
  }

  /**
   * By the channel's figures the next call has to wait so long.
   * @param isSteady it says so although nothing failed: from now on one call at a time
   */
  pace(ms: number, isSteady: boolean): void {
    if (isSteady) this.#isPaced = true;
    this.block(ms);
  }

  countThrottled(): void {
    this.#throttled += 1;
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
      const blocked = this.#blockedUntil - performance.now();
      if (blocked > 0 && blocked <= shortWaitMs && this.#isOpen) await this.#pause(blocked);
      return this.mayCall(isProbe) ? await call() : undefined;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Whether a call may begin now. */
  mayCall(isProbe: boolean): boolean {
    const now = performance.now();
    return (
      this.#isOpen &&
      this.#outlasts(now) &&
      this.#blockedUntil <= now &&
      (isProbe || this.circuit.isClosed)
    );
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
    if (this.#running >= (this.#isPaced ? 1 : places)) {
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
