import type { Verdict } from './verdict.ts';

type Waiting = { readonly verdict: Verdict; readonly done: () => void };

/**
 * Records one channel's verdicts. While one transaction is under way the next verdicts collect, so
 * many small calls share a commit, and a call that hangs keeps no other from being recorded.
 */
export class Recorder {
  readonly #record: (verdicts: readonly Verdict[]) => Promise<void>;
  #queue: Waiting[] = [];
  #isRunning = false;

  /** @param record resolves when the verdicts are recorded or need not be any more */
  constructor(record: (verdicts: readonly Verdict[]) => Promise<void>) {
    this.#record = record;
  }

  add(verdict: Verdict): Promise<void> {
    return new Promise((done) => {
      this.#queue.push({ verdict, done });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    // Verdicts of the same turn of the event loop join.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, 64);
      await this.#record(batch.map(({ verdict }) => verdict));
      for (const { done } of batch) done();
    }
    this.#isRunning = false;
  }
}
