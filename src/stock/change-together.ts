import type { Pool, PoolClient } from 'pg';
import type { Clock } from '../clock.ts';
import { DatabaseUnavailable, sqlStateOf } from '../errors.ts';
import type { Command, DecisionContext, Outcome } from './command.ts';
import { commitBatch, staleState } from './commit-batch.ts';
import type { LevelKey } from './level.ts';
import { readKeys } from './read-batch.ts';
import { WorkingState } from './working-state.ts';

export type TogetherOptions = {
  /** Connections of its own, opened as the writer's. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** Attempts, 1 … ; all after the first lock the levels before they read them. */
  readonly maxRetries: number;
  /** Versions of a level from one snapshot to the next, as the writer has it; 50 when absent. */
  readonly snapshotEvery?: number;
  readonly onCommitted?: () => void;
};

/** A transaction in which stock changes together with what its caller writes. */
export type StockTransaction = {
  /** For what else is written in the transaction; its caller neither commits nor rolls back. */
  readonly client: PoolClient;
  /** Reads levels to decide on, once. Commands may then be run on them. */
  read(keys: readonly LevelKey[]): Promise<StockDesk>;
};

/** Levels that were read, and commands decided on them one after the other. */
export type StockDesk = DecisionContext & { run(command: Command): Outcome };

const retriable = new Set([staleState, '23505', '40001', '40P01', '55P03']);

/**
 * Does `work` and commits it together with the stock it changes, all or nothing: for writes that
 * must not come apart from the change that they describe. Commands are decided as in a batch, and
 * what is decided is compared and swapped; where something has moved, all of `work` is done again.
 *
 * It is done again, too, when the connection broke and nobody knows whether it was committed: it
 * must be able to tell by what it reads. Rejects with `DatabaseUnavailable`, with what Postgres
 * says, or with what `work` throws.
 */
export async function changeTogether<T>(
  options: TogetherOptions,
  work: (transaction: StockTransaction) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(options, work, number > 1);
    } catch (error) {
      const again = retriable.has(sqlStateOf(error) ?? '') || error instanceof ConnectionLost;
      if (!again) throw error;
      if (number < options.maxRetries) continue;
      throw error instanceof ConnectionLost ? new DatabaseUnavailable(error) : error;
    }
  }
}

class ConnectionLost extends Error {}

async function attempt<T>(
  options: TogetherOptions,
  work: (transaction: StockTransaction) => Promise<T>,
  lock: boolean,
): Promise<T> {
  const client = await options.pool.connect().catch((error: unknown) => {
    throw new DatabaseUnavailable(error);
  });
  let broken: Error | undefined;
  try {
    await client.query('begin');
    let state: WorkingState | undefined;
    const result = await work({
      client,
      async read(keys) {
        if (state !== undefined) throw new Error('levels are read once in a transaction');
        const { now, levels } = await readKeys(client, keys, options.clock.offsetMs, lock);
        const desk = new WorkingState(now, levels, new Map(), options.snapshotEvery);
        state = desk;
        return desk;
      },
    });
    if (state !== undefined && state.entries.length > 0) await commitBatch(client, state, 0);
    await client.query('commit');
    options.onCommitted?.();
    return result;
  } catch (error) {
    try {
      await client.query('rollback');
    } catch (cause) {
      // Not even a rollback: whether the commit arrived is not known.
      broken = error instanceof Error ? error : new Error('the connection broke', { cause });
      throw new ConnectionLost('the connection to the database was lost', { cause: error });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}
