import { setImmediate as nextTurn } from 'node:timers/promises';

/** Answers nobody. */
export const nobody = (): void => undefined;

/**
 * Works batch after batch while something waits. The first has all that a turn of the event loop
 * brought. What waits when a batch is done goes to Postgres at once, before the rest of the turn
 * and before the answers of the batch: they take as long as Postgres takes to work, and the two
 * then happen at the same time.
 */
export class TurnLoop {
  readonly #hasWork: () => boolean;
  readonly #begin: () => Promise<() => void>;
  #running: Promise<void> | undefined;

  /**
   * @param hasWork whether something waits that the next batch should have
   * @param begin takes it and sends it, waiting for nothing before; what it promises gives the
   *   batch's answers when it is called, and never rejects
   */
  constructor(hasWork: () => boolean, begin: () => Promise<() => void>) {
    this.#hasWork = hasWork;
    this.#begin = begin;
  }

  /** Something was queued. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    let answer = nobody;
    await nextTurn();
    for (;;) {
      const working = this.#hasWork() ? this.#begin() : undefined;
      // A pool hands its connection out in the next tick: the batch is on its way when this runs.
      process.nextTick(answer);
      if (working === undefined) break;
      answer = await working;
      if (!this.#hasWork()) {
        // Nothing has to go out first.
        answer();
        answer = nobody;
        await nextTurn();
      }
    }
    // Behind the look at the queue without a wait between: what is queued from now on wakes it.
    this.#running = undefined;
  }
}
