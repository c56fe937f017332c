import type { Pool, PoolClient } from 'pg';
import type { Clock } from '../clock.ts';
import { classifyFailure } from '../db/index.ts';
import { DatabaseUnavailable, refuse, sqlStateOf } from '../errors.ts';
import type { Command, Loader, Outcome } from './command.ts';
import { commitBatch, staleState } from './commit-batch.ts';
import { readBatch } from './read-batch.ts';
import { WorkingState } from './working-state.ts';

/** How one batch went: what an operator needs to see why a request waited. */
export type BatchReport = {
  readonly commands: number;
  /** How long the batch's oldest command waited in the queue, in ms. */
  readonly queuedMs: number;
  readonly readMs: number;
  readonly commitMs: number;
  /** 1 when nobody was in the way. */
  readonly attempts: number;
};

export type WriterOptions = {
  /** Connections of its own, opened with `pipeline: true`. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** Compare-and-swap attempts for a batch, 1 … ; all after the first take the locks first. */
  readonly maxRetries: number;
  /** A command that could not be committed by then is refused with STOCK.BUSY, in ms. */
  readonly timeoutMs: number;
  readonly idempotencyTtlSeconds: number;
  /** The most commands in one batch; one request may bring more by itself. */
  readonly maxBatch?: number;
  readonly onCommitted?: () => void;
  readonly onBatch?: (report: BatchReport) => void;
};

/** Commands that were submitted together. */
type Unit = {
  readonly commands: readonly Command[];
  readonly atomic: boolean;
  readonly queuedAt: number;
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (fault: unknown) => void;
};

/** An attempt whose commit may or may not have happened. */
type LostAttempt = {
  readonly entry: { merchantId: string; sku: string; storeId: string; version: number };
  readonly commandId: string;
  readonly outcomes: Outcome[][];
};

/** SQLSTATEs after which the same commands may be read, decided and committed again. */
const retriable = new Set([staleState, '40001', '40P01', '55P03']);

/**
 * Applies commands to stock. While one batch is in flight the next collects, so a lone command
 * waits for nothing and many on one SKU cost one row update. One refused or broken command leaves
 * the others of its batch untouched.
 */
export class StockWriter {
  readonly #options: WriterOptions;
  #queue: Unit[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Commands that wait for the next batch. */
  get queueLength(): number {
    return this.#queue.length;
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
    if (this.#closed) return Promise.reject(new DatabaseUnavailable('the writer is closed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ commands, atomic, queuedAt: performance.now(), resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Like `submit` for one command. */
  async submitOne(command: Command): Promise<Outcome> {
    const [outcome] = await this.submit([command]);
    if (outcome === undefined) throw new Error('the writer gave no outcome');
    return outcome;
  }

  /** What `submit` would answer now; changes nothing. */
  async preview(commands: readonly Command[], atomic = false): Promise<Outcome[]> {
    const { pool, clock } = this.#options;
    await load(pool, commands);
    const read = await readBatch(pool, commands, clock.offsetMs, false);
    const state = new WorkingState(read.now, read.levels, read.answers);
    return decideUnit(state, { commands, atomic });
  }

  /** Commits what is queued, then refuses what comes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Requests that arrived in the same turn of the event loop join this batch.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#settle(this.#takeBatch());
    this.#running = undefined;
  }

  #takeBatch(): Unit[] {
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

  /** Never rejects: each unit of the batch is resolved or rejected by itself. */
  async #settle(units: readonly Unit[]): Promise<void> {
    try {
      const outcomes = await this.#commitWithRetries(units);
      for (const [index, unit] of units.entries()) unit.resolve(outcomes[index] ?? []);
    } catch (fault) {
      const away = fault instanceof DatabaseUnavailable;
      if (away || units.length === 1) {
        for (const unit of units) unit.reject(fault);
        return;
      }
      // One command that Postgres will not take must not fail its neighbours: each alone.
      for (const unit of units) await this.#settle([unit]);
    }
  }

  async #commitWithRetries(units: readonly Unit[]): Promise<Outcome[][]> {
    const { maxRetries, timeoutMs } = this.#options;
    const startedAt = performance.now();
    const queuedMs = startedAt - Math.min(...units.map((unit) => unit.queuedAt));
    const lost: LostAttempt[] = [];
    for (let attempt = 1; ; attempt += 1) {
      try {
        const report = { queuedMs, attempts: attempt };
        return await this.#attempt(units, { lock: attempt > 1, lost, report });
      } catch (error) {
        const again = retriable.has(sqlStateOf(error) ?? '') || error instanceof LostInCommit;
        if (!again) throw error;
        if (error instanceof LostInCommit && error.attempt !== undefined) lost.push(error.attempt);
        const late = performance.now() - startedAt > timeoutMs;
        if (attempt >= maxRetries || late) {
          if (lost.length > 0) throw new DatabaseUnavailable(error);
          return units.map((unit) => unit.commands.map(() => ({ kind: 'refused', refusal: busy })));
        }
      }
    }
  }

  async #attempt(
    units: readonly Unit[],
    how: {
      readonly lock: boolean;
      readonly lost: readonly LostAttempt[];
      readonly report: { queuedMs: number; attempts: number };
    },
  ): Promise<Outcome[][]> {
    const { pool, clock, idempotencyTtlSeconds } = this.#options;
    const client = await connect(pool);
    let broken: Error | undefined;
    try {
      const commands = units.flatMap((unit) => unit.commands);
      const started = performance.now();
      const begun = how.lock ? client.query('begin') : undefined;
      await Promise.all([begun, load(client, commands)]);
      const read = await readBatch(client, commands, clock.offsetMs, how.lock);
      // After the read, so that a lost attempt is either seen here or fails at its own check.
      for (const attempt of how.lost) {
        if (await wasCommitted(client, attempt)) {
          await client.query('rollback');
          return attempt.outcomes;
        }
      }
      const readDone = performance.now();
      const state = new WorkingState(read.now, read.levels, read.answers);
      const outcomes = units.map((unit) => decideUnit(state, unit));
      const writes = state.entries.length > 0 || state.keys.length > 0;
      if (writes) await this.#commit(client, state, how.lock, outcomes, idempotencyTtlSeconds);
      else if (how.lock) await client.query('rollback');
      this.#options.onBatch?.({
        ...how.report,
        commands: commands.length,
        readMs: readDone - started,
        commitMs: performance.now() - readDone,
      });
      return outcomes;
    } catch (error) {
      const failure = error instanceof LostInCommit ? 'lost' : classifyFailure(error, true);
      if (failure === 'server') {
        if (how.lock) await client.query('rollback').catch((e: Error) => (broken = e));
        throw error;
      }
      broken = error instanceof Error ? error : new Error('the connection broke');
      // Lost while reading: nothing was written by this attempt.
      throw error instanceof LostInCommit ? error : new LostInCommit(error, undefined);
    } finally {
      client.release(broken);
    }
  }

  async #commit(
    client: PoolClient,
    state: WorkingState,
    inTransaction: boolean,
    outcomes: Outcome[][],
    ttlSeconds: number,
  ): Promise<void> {
    try {
      const written = commitBatch(client, state, ttlSeconds);
      // Pipelined behind it: a failed function turns this commit into a rollback.
      const committed = inTransaction ? client.query('commit') : undefined;
      const results = await Promise.allSettled([written, committed]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } catch (error) {
      if (classifyFailure(error, true) === 'server') throw error;
      const entry = state.entries[0];
      throw new LostInCommit(
        error,
        entry === undefined
          ? undefined
          : {
              entry: { ...entry.level, version: entry.version - 1 },
              commandId: entry.command.commandId,
              outcomes,
            },
      );
    }
    this.#options.onCommitted?.();
  }
}

const busy = refuse('STOCK.BUSY', 'The change could not be committed in time; try again.');

/** The connection broke. With `attempt` the commit was on its way, and its outcome is unknown. */
class LostInCommit extends Error {
  readonly attempt: LostAttempt | undefined;
  constructor(cause: unknown, attempt: LostAttempt | undefined) {
    super('the connection to the database was lost', { cause });
    this.name = 'LostInCommit';
    this.attempt = attempt;
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new DatabaseUnavailable(error);
  }
}

/** Lets each loader read what its commands need, once for all of them. */
async function load(client: Pool | PoolClient, commands: readonly Command[]): Promise<void> {
  const byLoader = new Map<Loader, Command[]>();
  for (const command of commands) {
    if (command.loader === undefined) continue;
    const group = byLoader.get(command.loader);
    if (group === undefined) byLoader.set(command.loader, [command]);
    else group.push(command);
  }
  for (const [loader, group] of byLoader) await loader.load(client, group);
}

function decideUnit(state: WorkingState, unit: Pick<Unit, 'commands' | 'atomic'>): Outcome[] {
  return unit.atomic
    ? state.runAllOrNone(unit.commands)
    : unit.commands.map((command) => state.run(command));
}

async function wasCommitted(client: PoolClient, attempt: LostAttempt): Promise<boolean> {
  const { merchantId, sku, storeId, version } = attempt.entry;
  const { rowCount } = await client.query(
    `select 1 from ledger_entry
     where merchant_id = $1 and sku = $2 and location_id = $3 and version > $4
       and command_id = $5 limit 1`,
    [merchantId, sku, storeId, version, attempt.commandId],
  );
  return (rowCount ?? 0) > 0;
}
