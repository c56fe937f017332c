import type { Pool } from 'pg';
import type { Clock } from '../clock.ts';
import { DatabaseUnavailable } from '../errors.ts';
import { isUnavailable } from '../db/index.ts';
import { dropOldest } from './drop-oldest.ts';
import { levelId, viewLevel, type LevelKey } from './level.ts';
import { readChangedLevels, type ChangedLevel } from './read-batch.ts';
import { TurnLoop } from './turn-loop.ts';

export type LevelRead = {
  readonly version: number;
  /** The level as the API shows it, a `LevelView` as JSON. */
  readonly text: string;
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

/** A level that was read, and the row by which the next read knows whether it is still that. */
type Seen = { readonly row: string; readonly read: LevelRead };

/** So many levels are remembered: some 10 MB. */
const mostSeen = 20_000;
/** So many reads that wait are a query of their own, beside those that are on their way. */
const rush = 16;
/** Queries that are on their way at once, at most. */
const mostQueries = 4;

/**
 * Reads single levels from the primary. Reads that arrive while one is on its way share the next
 * round trip, so a storefront's rush costs a query for each batch and not for each shopper. In a
 * rush several are on their way: Postgres has work while the answers of one are written. Each asks
 * for what has changed since it was read last: what has not is neither sent nor written as JSON
 * again.
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

  readonly #seen = new Map<string, Seen>();
  #forgotten = 0;

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
    // It may be to another database, as after a failover, where the same row is another one.
    pool.on('connect', () => {
      this.#seen.clear();
      this.#forgotten += 1;
    });
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
      const reads = await this.#readLevels(keys);
      return () => {
        for (const { id, resolve } of batch) resolve(reads.get(id));
      };
    } catch (error) {
      const fault = isUnavailable(error) ? new DatabaseUnavailable(error) : error;
      return () => {
        for (const { reject } of batch) reject(fault);
      };
    }
  }

  async #readLevels(
    keys: ReadonlyMap<string, LevelKey>,
  ): Promise<ReadonlyMap<string, LevelRead | undefined>> {
    const asked = [...keys.values()];
    for (;;) {
      const forgotten = this.#forgotten;
      const reads = new Map<string, LevelRead | undefined>();
      const rows: (string | null)[] = [];
      for (const id of keys.keys()) {
        const seen = this.#seen.get(id);
        reads.set(id, seen?.read);
        rows.push(seen?.row ?? null);
      }
      const changed = await readChangedLevels(this.#pool, asked, rows, this.#clock.offsetMs);
      // The rows may be of another database than the one that was asked.
      if (forgotten !== this.#forgotten) continue;
      for (const one of changed) reads.set(levelId(one.level), this.#take(one));
      return reads;
    }
  }

  #take({ level, row }: ChangedLevel): LevelRead | undefined {
    const id = levelId(level);
    this.#seen.delete(id);
    if (!level.exists) return undefined;
    const holdsEnded = level.expiredHolds > 0;
    const { version } = level;
    const read = { version, text: JSON.stringify(viewLevel(level)), holdsEnded };
    // As holds end, the same row becomes another level.
    if (row === null || holdsEnded) return read;
    this.#seen.set(id, { row, read });
    dropOldest(this.#seen, mostSeen);
    return read;
  }
}
