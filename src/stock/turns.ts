import type { Pool, PoolClient } from 'pg';
import { classifyFailure } from '../db/index.ts';

/** The advisory lock that processes take turns by; any number, the same in all of them. */
const lockKey = '7163920184451';
/* Named: both are planned once for each session. */
const lock = { name: 'turn_lock', text: 'select pg_advisory_lock($1)', values: [lockKey] };
const unlock = { name: 'turn_unlock', text: 'select pg_advisory_unlock($1)', values: [lockKey] };
/** Turns are taken for so long after another process was met. */
const needMs = 2_000;
/** Each batch makes what was seen before it count less. */
const fade = 0.9;
/** Reached when some four of ten batches are in vain. */
const enough = 4;

/** The right to change levels, once, while other processes that also take turns wait. */
export type Turn = {
  /** The session that has it: the turn's batch is sent through it. */
  readonly client: PoolClient;
  /**
   * Lets the next one in as soon as what was sent before is done: the database does both without
   * coming back here. The caller does not wait for it. Again: nothing more happens.
   */
  end(): void;
};

/**
 * Turns between processes that change the same levels. Compare-and-swap alone would let many of
 * their batches be in vain, and row locks would be waited for by batches that were closed too
 * early: whoever has its turn takes all that has gathered meanwhile. It is only courtesy: what
 * keeps stock right is compare-and-swap, so a turn that cannot be had is done without.
 */
export class Turns {
  readonly #pool: Pool;
  #conflicts = 0;
  #neededUntil = 0;
  /**
   * The session whose unlock is on its way. The next turn goes through it as well: another one
   * would have to read all that it works with into caches that this one has filled.
   */
  #leaving: PoolClient | undefined;

  /** @param pool with a lock timeout, so that a process that hangs holds nobody up for long */
  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Tells how a batch went: whether it was in vain because another process was faster. */
  saw(conflict: boolean): void {
    this.#conflicts = this.#conflicts * fade + (conflict ? 1 : 0);
    if (this.#conflicts < enough) return;
    this.#conflicts = 0;
    this.#neededUntil = performance.now() + needMs;
  }

  get areNeeded(): boolean {
    return performance.now() < this.#neededUntil;
  }

  /** Another process is still there. */
  renew(): void {
    this.#neededUntil = performance.now() + needMs;
  }

  /**
   * Waits for this process's turn, and reads in the same round trip, as soon as it has come.
   * Undefined where it cannot be had in time: then it goes on without turns for a while. Never
   * rejects.
   */
  async take<T>(read: (client: PoolClient) => Promise<T>): Promise<TurnTaken<T> | undefined> {
    let client: PoolClient | undefined;
    try {
      client = this.#leaving ?? (await this.#pool.connect());
      this.#leaving = undefined;
      const locked = client.query(lock);
      const [, found] = await Promise.allSettled([locked, read(client)]);
      await locked;
      if (found.status === 'rejected') throw found.reason;
      return { turn: this.#turnOf(client), found: found.value };
    } catch (error) {
      this.#neededUntil = 0;
      const isUsable = classifyFailure(error, true) === 'server';
      if (isUsable) await client?.query('select pg_advisory_unlock_all()').catch(() => undefined);
      client?.release(isUsable ? undefined : asError(error));
      return undefined;
    }
  }

  #turnOf(client: PoolClient): Turn {
    let isEnded = false;
    const leave = (error?: Error): void => {
      if (this.#leaving !== client) return;
      this.#leaving = undefined;
      client.release(error);
    };
    return {
      client,
      end: () => {
        if (isEnded) return;
        isEnded = true;
        this.#leaving = client;
        client.query(unlock).then(
          () => leave(),
          // The lock goes with the session.
          (error: unknown) => leave(asError(error)),
        );
      },
    };
  }
}

/** A turn, and what was read at its beginning. */
type TurnTaken<T> = { readonly turn: Turn; readonly found: T };

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the connection broke', { cause: error });
}
