import type { Command } from './command.ts';
import { DatabaseClock } from './database-clock.ts';
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
    for (const command of commands) {
      if (command.loader !== undefined) return undefined;
      for (const key of command.levelKeys) {
        const id = levelId(key);
        if (levels.has(id)) continue;
        const level = this.#levels.get(id);
        if (level === undefined || level.nextHoldEndsMs <= nowMs + offsetMs) missing.set(id, key);
        else levels.set(id, { ...level });
      }
    }
    return { now: new Date(nowMs + offsetMs), levels, missing: [...missing.values()] };
  }

  /** Levels as they are now known to be; those of which a hold has ended are not kept. */
  keep(levels: Iterable<Level>): void {
    for (const level of levels) {
      const id = levelId(level);
      if (!level.exists || level.expiredHolds !== 0) this.#levels.delete(id);
      else this.#levels.set(id, level);
    }
    if (this.#levels.size <= most) return;
    let surplus = this.#levels.size - most / 2;
    for (const id of this.#levels.keys()) {
      if (surplus <= 0) break;
      this.#levels.delete(id);
      surplus -= 1;
    }
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
