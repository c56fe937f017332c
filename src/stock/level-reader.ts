import type { Pool } from 'pg';
import type { Clock } from '../clock.ts';
import { DatabaseUnavailable } from '../errors.ts';
import { isUnavailable } from '../db/index.ts';
import { levelId, viewLevel, type Level, type LevelKey, type LevelView } from './level.ts';
import { readLevels } from './read-batch.ts';
import { TurnLoop } from './turn-loop.ts';

export type LevelRead = {
  readonly view: LevelView;
  /** A hold has ended and was not swept: the figures moved although the version did not. */
  readonly holdsEnded: boolean;
};

type Waiting = {
  /** The key's `levelId`. */
  readonly id: string;
  readonly key: LevelKey;
  readonly resolve: (read: LevelRead | undefined) => void;
  readonly reject: (fault: unknown) => void;
};

/** So many reads that wait are a query of their own, beside those that are on their way. */
const rush = 16;
/** Queries that are on their way at once, at most. */
const mostQueries = 4;

/**
 * Reads single levels from the primary. Reads that arrive while one is on its way share the next
 * round trip, so a storefront's rush costs a query for each batch and not for each shopper. In a
 * rush several are on their way: Postgres has work while the answers of one are written.
 */
export class LevelReader {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  readonly #loop = new TurnLoop(
    () => this.#queue.length > 0,
    () => this.#readNext(),
  );
  readonly #inRush = Array.from(
    { length: mostQueries - 1 },
    () =>
      new TurnLoop(
        () => this.#queue.length >= rush,
        () => this.#readNext(),
      ),
  );

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** The level as it stands, or undefined where there is none. */
  read(key: LevelKey): Promise<LevelRead | undefined> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: levelId(key), key, resolve, reject });
      this.#loop.wake();
      if (this.#queue.length >= rush) for (const loop of this.#inRush) loop.wake();
    });
  }

  /** Never rejects. Gives what answers the reads. */
  async #readNext(): Promise<() => void> {
    const batch = this.#queue.splice(0, 1_000);
    // A level that many look at is read once.
    const keys = new Map(batch.map(({ id, key }) => [id, key]));
    try {
      const { levels } = await readLevels(this.#pool, [...keys.values()], this.#clock.offsetMs);
      return () => {
        for (const { id, resolve } of batch) {
          const level = levels.get(id);
          resolve(level === undefined || !level.exists ? undefined : toRead(level));
        }
      };
    } catch (error) {
      const fault = isUnavailable(error) ? new DatabaseUnavailable(error) : error;
      return () => {
        for (const { reject } of batch) reject(fault);
      };
    }
  }
}

function toRead(level: Level): LevelRead {
  return { view: viewLevel(level), holdsEnded: level.expiredHolds > 0 };
}
