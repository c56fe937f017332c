import type { Command } from './command.ts';
import { DatabaseClock } from './database-clock.ts';
import { dropOldest } from './drop-oldest.ts';
import { levelId, type Level, type LevelKey } from './level.ts';

/** So many levels are remembered: some 30 MB. */
const most = 50_000;
/** What is remembered for a batch. */
export type Recalled = {
  readonly now: Date;
  /** Copies, for the batch to work on. */
  readonly levels: Map<string, Level>;
  /** Levels that have to be read: not remembered, or one of their holds may have ended. */
  readonly missing: readonly LevelKey[];
  /** {@link LevelMemory.forgotten} at that time. */
  readonly forgotten: number;
};

/** After a batch that went wrong because of what was remembered, so many are read first. */
const readFirstBatches = 16;

/**
 * What the writer knows of levels from its own reads and commits, so that a batch on them needs no
 * read. It is a guess that only the commit confirms: compare-and-swap refuses it when another
 * process was faster, and then, as before any refusal, the levels are read.
 */
export class LevelMemory {
  readonly #levels = new Map<string, Level>();
  /** Without the clock's offset. */
  readonly clock = new DatabaseClock();
  #readFirst = 0;
  #forgotten = 0;

  /**
   * What a read of these commands' levels would most likely give; undefined when all has to be
   * read: a command has to load something, the database's clock was not heard lately, or what was
   * remembered has just been wrong.
   */
  recall(commands: readonly Command[], offsetMs: number): Recalled | undefined {
    if (this.#readFirst > 0) {
      this.#readFirst -= 1;
      return undefined;
    }
    const nowMs = this.clock.now();
    if (nowMs === undefined) return undefined;
    const levels = new Map<string, Level>();
    const missing = new Map<string, LevelKey>();
    let momentMs = nowMs + offsetMs;
    for (const command of commands) {
      if (command.loader !== undefined) return undefined;
      for (const key of command.levelKeys) {
        const id = levelId(key);
        if (levels.has(id)) continue;
        const level = this.#levels.get(id);
        if (level === undefined) missing.set(id, key);
        else levels.set(id, { ...level });
        // The database's clock may have been set back: no change is stamped before the last one.
        momentMs = Math.max(momentMs, level?.updatedAtMs ?? 0);
      }
    }
    for (const [id, level] of levels) {
      if (level.nextHoldEndsMs > momentMs) continue;
      levels.delete(id);
      missing.set(id, level);
    }
    const { forgotten } = this;
    return { now: new Date(momentMs), levels, missing: [...missing.values()], forgotten };
  }

  /** How often all was forgotten. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * The database may be another one from now on, as after a failover: a version that is the same
   * says nothing any more, since what was committed last may not have come along.
   */
  forgetAll(): void {
    this.#forgotten += 1;
    this.#levels.clear();
  }

  /** Levels as they are now known to be; those of which a hold has ended are not kept. */
  keep(levels: Iterable<Level>): void {
    for (const level of levels) {
      const id = levelId(level);
      if (!level.exists || level.expiredHolds !== 0) this.#levels.delete(id);
      else this.#levels.set(id, level);
    }
    dropOldest(this.#levels, most);
  }

  forget(levels: Iterable<Level>): void {
    for (const level of levels) this.#levels.delete(levelId(level));
  }

  /** What is remembered, if it is not more than so many levels. */
  few(limit: number): readonly LevelKey[] {
    return this.#levels.size > limit ? [] : [...this.#levels.values()];
  }

  /**
   * Others may have changed anything: only these are known now.
   * @returns whether one of them is not as it was remembered
   */
  replaceAll(levels: Iterable<Level>): boolean {
    const found = [...levels];
    const moved = found.some((level) => {
      const known = this.#levels.get(levelId(level));
      return known !== undefined && known.version !== level.version;
    });
    this.#levels.clear();
    this.#readFirst = 0;
    this.keep(found);
    return moved;
  }

  /** What was remembered was out of date, or an idempotency key was in use already. */
  wasWrong(levels: Iterable<Level>): void {
    this.forget(levels);
    this.#readFirst = readFirstBatches;
  }
}
