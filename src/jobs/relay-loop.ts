import type { Logger } from '../logger.ts';
import type { RelayPass } from './relay.ts';
import { Signal } from './signal.ts';

/** Changes that another process committed are found by looking this often. */
const pollMs = 100;
/** Passes begin at least so far apart, so that a stream of single changes shares transactions. */
const gapMs = 12;
/**
 * And so many times as long as they take, up to `longestGapMs`: a pass and the rounds of the
 * channels behind it cost much of what they do for one change too. Where they take the whole
 * machine, fewer of them bring changes to the channels sooner (decision 0006).
 */
const gapOfPasses = 3;
const longestGapMs = 80;
/** How much of the average the newest pass is. */
const newest = 0.2;
/** While nobody wants messages they may lie a while: each pass reads past all that are gone. */
const unwantedGapMs = 250;
const afterFaultMs = 250;

/** Runs relay passes, one at a time: woken after a commit of this process, else by a short poll. */
export class RelayLoop {
  readonly #pass: () => Promise<RelayPass>;
  readonly #onPass: (pass: RelayPass) => void;
  readonly #logger: Logger;
  readonly #signal = new Signal();
  /** How long passes that moved messages take, in ms. */
  #passMs = 0;
  #stopping = false;
  #lastSuccess = performance.now();
  #running: Promise<void> | undefined;

  constructor(pass: () => Promise<RelayPass>, onPass: (pass: RelayPass) => void, logger: Logger) {
    this.#pass = pass;
    this.#onPass = onPass;
    this.#logger = logger;
  }

  start(): void {
    this.#running = this.#run();
  }

  wake(): void {
    this.#signal.notify();
  }

  /** Whether a pass succeeded in the last few seconds. */
  get isAlive(): boolean {
    return performance.now() - this.#lastSuccess < 5_000;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#signal.notify();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const startedAt = performance.now();
      let gap = gapMs;
      try {
        const pass = await this.#pass();
        this.#lastSuccess = performance.now();
        if (pass.messages > 0) this.#onPass(pass);
        if (pass.isFull) continue;
        gap = pass.isUnwanted ? unwantedGapMs : this.#gapAfter(pass, startedAt);
        await this.#signal.wait(pollMs);
      } catch (error) {
        this.#logger.warn({ err: error }, 'the relay could not read the outbox; it tries again');
        await new Signal().wait(afterFaultMs);
      }
      const early = gap - (performance.now() - startedAt);
      if (early > 0 && !this.#stopping) await new Signal().wait(early);
    }
  }

  #gapAfter({ messages }: RelayPass, startedAt: number): number {
    const tookMs = performance.now() - startedAt;
    if (messages > 0) this.#passMs += newest * (tookMs - this.#passMs);
    return Math.min(Math.max(gapOfPasses * this.#passMs, gapMs), longestGapMs);
  }
}
