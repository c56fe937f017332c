import { DatabaseUnavailable } from '../errors.ts';
import {
  decideUnit,
  LevelsLocked,
  refuseBusy,
  runBatch,
  type BatchOptions,
  type BatchUnit,
  type WriterMemory,
} from './batch.ts';
import type { Command, Outcome } from './command.ts';
import { LevelMemory } from './level-memory.ts';
import { levelId } from './level.ts';
import { loadCommands } from './load-commands.ts';
import { lockedLevels } from './locked-levels.ts';
import { distinctKeys, readBatch, readLevels } from './read-batch.ts';
import { nobody, TurnLoop } from './turn-loop.ts';
import { Turns, type Turn } from './turns.ts';
import { WorkingState } from './working-state.ts';

export type WriterOptions = BatchOptions & {
  /** The most commands in one batch; one request may bring more by itself. */
  readonly maxBatch?: number;
};

/** The levels of so many commands, and so many others, are read at the beginning of a turn. */
const turnReadLimit = 200;

/** More requests waiting than these, and the writer counts as busy for a while. */
const lively = 8;
const busyMs = 100;

type QueuedUnit = BatchUnit & {
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (fault: unknown) => void;
};

/**
 * Applies commands to stock. While one batch is in flight the next collects, so a lone command
 * waits for nothing and many on one SKU cost one row update. One refused or broken command leaves
 * the others of its batch untouched.
 */
export class StockWriter {
  readonly #options: WriterOptions;
  readonly #memory: WriterMemory;
  readonly #queue: QueuedUnit[] = [];
  readonly #loop = new TurnLoop(
    () => this.#queue.length > 0,
    () => this.#settleNext(),
  );
  #busyUntil = 0;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    const levels = new LevelMemory();
    this.#memory = { levels, turns: new Turns(options.pool) };
    options.pool.on('connect', () => levels.forgetAll());
  }

  /** Requests that wait for the next batch. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** Whether requests had to wait for a batch in the last moments. */
  get isBusy(): boolean {
    return performance.now() < this.#busyUntil;
  }

  /**
   * Applies the commands and answers for each, in their order. With `atomic` all or none.
   *
   * Refusals: those of each command's `decide`; IDEMPOTENCY.KEY_REUSED, IDEMPOTENCY.IN_PROGRESS;
   * MUTATIONS.NOT_APPLIED (atomic, and another was refused); STOCK.BUSY (not committed in time).
   * Rejects with `DatabaseUnavailable` when the database is away: whether the commands were
   * applied is then known only by repeating them with their keys.
   */
  submit(commands: readonly Command[], atomic = false): Promise<Outcome[]> {
    if (commands.length === 0 && !this.#closed) return Promise.resolve([]);
    return new Promise((resolve, reject) => this.#enqueue({ commands, atomic, resolve, reject }));
  }

  /** Like `submit` for one command. */
  submitOne(command: Command): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const give = ([outcome]: Outcome[]): void => {
        if (outcome === undefined) reject(new Error('the writer gave no outcome'));
        else resolve(outcome);
      };
      this.#enqueue({ commands: [command], atomic: false, resolve: give, reject });
    });
  }

  #enqueue({ commands, atomic, resolve, reject }: Omit<QueuedUnit, 'queuedAt'>): void {
    if (this.#closed) return reject(new DatabaseUnavailable('the writer is closed'));
    this.#queue.push({ commands, atomic, queuedAt: performance.now(), resolve, reject });
    this.#loop.wake();
  }

  /** What `submit` would answer now; changes nothing. */
  async preview(commands: readonly Command[], atomic = false): Promise<Outcome[]> {
    const { pool, clock } = this.#options;
    await loadCommands(pool, commands);
    const read = await readBatch(pool, commands, clock.offsetMs, false);
    const state = new WorkingState(read.now, read.levels, read.answers);
    return decideUnit(state, { commands, atomic });
  }

  /** Commits what is queued, then refuses what comes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop.idle();
  }

  #settleNext(): Promise<() => void> {
    if (this.#queue.length > lively) this.#busyUntil = performance.now() + busyMs;
    return this.#memory.turns.areNeeded ? this.#takeTurn() : this.#settle(this.#takeBatch());
  }

  /** Works what has gathered by the time its turn comes, while other processes wait. */
  async #takeTurn(): Promise<() => void> {
    const { offsetMs } = this.#options.clock;
    const { levels, turns } = this.#memory;
    const commands = this.#queue.flatMap((unit) => unit.commands).slice(0, turnReadLimit);
    // And what processes fight for: commands on it will have come until the turn has.
    const keys = distinctKeys([...commands, { levelKeys: levels.few(turnReadLimit) }]);
    const askedAt = performance.now();
    const taken = await turns.take((client) => readLevels(client, keys, offsetMs));
    if (taken === undefined) return nobody;
    const { turn, found } = taken;
    if (levels.replaceAll(found.levels.values())) turns.renew();
    levels.clock.hear(found.databaseMs, askedAt);
    const answer = await this.#settle(this.#takeBatch(), turn);
    turn.end();
    return answer;
  }

  #takeBatch(): QueuedUnit[] {
    const limit = this.#options.maxBatch ?? 1_000;
    let commands = 0;
    let units = 0;
    for (const unit of this.#queue) {
      if (units > 0 && commands + unit.commands.length > limit) break;
      commands += unit.commands.length;
      units += 1;
    }
    return this.#queue.splice(0, units);
  }

  /**
   * Never rejects. Gives what resolves or rejects each unit of the batch by itself.
   * @param turn for this batch; it ends with it
   */
  async #settle(units: readonly QueuedUnit[], turn?: Turn): Promise<() => void> {
    try {
      const outcomes = await runBatch(this.#options, units, this.#memory, turn);
      return () => {
        for (const [index, unit] of units.entries()) unit.resolve(outcomes[index] ?? []);
      };
    } catch (fault) {
      if (fault instanceof DatabaseUnavailable || units.length === 1) {
        return () => {
          for (const unit of units) unit.reject(fault);
        };
      }
      if (fault instanceof LevelsLocked) return await this.#settleUnlocked(units);
      // One command that Postgres will not take must not fail its neighbours: each alone.
      const answers: (() => void)[] = [];
      for (const unit of units) answers.push(await this.#settle([unit]));
      return () => {
        for (const answer of answers) answer();
      };
    }
  }

  /** Only what touches a locked level is refused; its neighbours do not wait for it. */
  async #settleUnlocked(units: readonly QueuedUnit[]): Promise<() => void> {
    const keys = distinctKeys(units.flatMap(({ commands }) => commands));
    const locked = await lockedLevels(this.#options.pool, keys).catch(() => undefined);
    const isLocked = ({ commands }: QueuedUnit): boolean =>
      commands.some(({ levelKeys }) => levelKeys.some((key) => locked?.has(levelId(key)) ?? true));
    const concerned = units.filter(isLocked);
    // Where the lock is gone by now nobody knows whose it was: all are refused, or it had no end.
    const waiting = concerned.length === 0 ? units : concerned;
    const free = units.filter((unit) => !waiting.includes(unit));
    const outcomes = refuseBusy(waiting);
    const answer = free.length === 0 ? nobody : await this.#settle(free);
    return () => {
      for (const [index, unit] of waiting.entries()) unit.resolve(outcomes[index] ?? []);
      answer();
    };
  }
}
