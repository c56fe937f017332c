import type { Pool } from 'pg';
import { createPool, statementsOver, type Db } from '../db/index.ts';
import type { Logger } from '../logger.ts';

/**
 * The connections for what is done all the time: passes of the relay, and each round of a channel
 * with its claim, its read and its record. Their statements are planned once for each session.
 */
export type RoundsDatabase = {
  /** For single statements. */
  readonly db: Db;
  /** For `pipelined`. */
  readonly pool: Pool;
};

/** Opens them; whoever did closes the pool. */
export function openRounds(connectionString: string, logger: Logger): RoundsDatabase {
  const pool = createPool({
    connectionString,
    poolSize: 8,
    pipeline: true,
    applicationName: 'onhand rounds',
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    sessionSettings: {
      idle_in_transaction_session_timeout: '30000',
      jit: 'off',
      // Plans are made while there are few jobs, and kept while there are many (decision 0002).
      enable_seqscan: 'off',
    },
  });
  return { db: statementsOver(pool), pool };
}
