import {
  noteState,
  type AttemptRecord,
  type ChannelRow,
  type ChannelState,
} from '../channels/index.ts';
import type { CallGate } from './call-gate.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import type { WorkerContext } from './worker-context.ts';

/** The last thing that a channel took, and the last that it did not. */
type Ends = Pick<ChannelState, 'lastSuccessAt' | 'lastFailureAt' | 'lastFailureCode'>;

/**
 * What a channel's leader knows of it: how its calls end, what waits for it and for how long. Kept
 * in the database too, where processes that do not lead it find it.
 */
export class ChannelNotes {
  readonly #context: WorkerContext;
  readonly #gate: CallGate;
  #ends: Ends = { lastSuccessAt: null, lastFailureAt: null, lastFailureCode: null };
  #queue = { depth: 0, lagMs: 0 };
  #isLagging = false;
  #circuit: ChannelState['circuit'] = 'closed';
  #written = '';

  constructor(context: WorkerContext, gate: CallGate) {
    this.#context = context;
    this.#gate = gate;
  }

  /** Whether it is behind by more than the settings call an alert. */
  get isLagging(): boolean {
    return this.#isLagging;
  }

  get state(): ChannelState {
    const gate = this.#gate;
    return {
      circuit: gate.state,
      calls: gate.load,
      tokens: gate.tokens,
      waitMs: Math.round(gate.blockedMs),
      throttled: gate.throttled,
      ...this.#ends,
      queueDepth: this.#queue.depth,
      lagMs: Math.round(this.#queue.lagMs),
      isLagging: this.#isLagging,
    };
  }

  /** Takes note of attempts that were recorded. */
  take(attempts: readonly AttemptRecord[]): void {
    for (const { outcome, startedAt, durationMs, errorCode } of attempts) {
      const at = new Date(startedAt.getTime() + durationMs).toISOString();
      if (outcome === 'failed') {
        this.#ends = { ...this.#ends, lastFailureAt: at, lastFailureCode: errorCode };
      } else if (outcome !== 'suppressed') this.#ends = { ...this.#ends, lastSuccessAt: at };
    }
  }

  /**
   * Looks what waits, and writes down what has changed.
   * @returns whether the channel has just caught up
   */
  async refresh(channel: ChannelRow, claimed: readonly ClaimedJob[]): Promise<boolean> {
    const { db, queue, lagAlertMs } = this.#context;
    const { waiting, lagMs } = await queue.measure(db, channel.queue);
    const now = performance.now();
    // A call that hangs, and a channel that fails time and again, lag as well.
    const oldest = Math.min(now, ...claimed.map(({ claimedAt }) => claimedAt));
    const failingMs = this.#gate.circuit.failingMs(now);
    const depth = waiting + claimed.length;
    this.#queue = { depth, lagMs: Math.max(lagMs, now - oldest, failingMs) };
    const wasLagging = this.#isLagging;
    // Not back and forth at the limit.
    const limit = wasLagging ? lagAlertMs / 2 : lagAlertMs;
    this.#isLagging = this.#queue.lagMs > limit;
    this.#tellCircuit(channel);
    const { state } = this;
    const written = JSON.stringify({ ...state, waitMs: state.waitMs > 0, tokens: null });
    if (written !== this.#written) {
      await noteState(db, channel, state);
      this.#written = written;
    }
    return wasLagging && !this.#isLagging;
  }

  #tellCircuit(channel: ChannelRow): void {
    const { state } = this.#gate;
    if (state === this.#circuit) return;
    this.#circuit = state;
    const { merchant_id: merchantId, channel_id: channelId } = channel;
    this.#context.events.onCircuit?.({ merchantId, channelId, state });
  }
}
