import type { PgBoss } from 'pg-boss';
import { openDatabase, type Db } from '../db/index.ts';
import type { Logger } from '../logger.ts';
import { Signal } from './signal.ts';

/** Between two looks for what is due. */
const lookMs = 1_000;
/** A net under a worker that hangs: pg-boss gives its job up. */
const expireSeconds = 3_600;

export type DueRunsOptions<Job extends object> = {
  readonly boss: PgBoss;
  readonly connectionString: string;
  readonly logger: Logger;
  /** The name of pg-boss's queue. */
  readonly queue: string;
  /** What the sessions are called at the database, and how many there are at most. */
  readonly sessions: { readonly applicationName: string; readonly poolSize: number };
  /** Runs at once in this process. */
  readonly concurrency: number;
  /** Sends what is due; of one key one job waits at a time. */
  readonly look: (
    db: Db,
    send: (job: Job, key: string) => Promise<unknown>,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly run: (db: Db, job: Job, signal: AbortSignal) => Promise<void>;
};

export type DueRuns = {
  /** A run was asked for: looks at once. */
  wake(): void;
  /** Lets runs end with what they are at. */
  stop(): Promise<void>;
};

/**
 * Runs what is due by a row of its own, so that no job can be lost: every process looks, and what
 * fails is due again.
 */
export async function startDueRuns<Job extends object>(
  options: DueRunsOptions<Job>,
): Promise<DueRuns> {
  const { boss, connectionString, logger, queue, sessions, run } = options;
  const onIdleError = (error: Error): void => {
    logger.warn({ err: error }, 'a database connection broke');
  };
  const database = openDatabase({ connectionString, ...sessions, onIdleError });
  const ending = new AbortController();
  const { signal: ended } = ending;
  const signal = new Signal();
  await boss.createQueue(queue, {
    policy: 'short',
    retryLimit: 0,
    deleteAfterSeconds: 3_600,
    expireInSeconds: expireSeconds,
  });
  const workOptions = { pollingIntervalSeconds: 0.5, localConcurrency: options.concurrency };
  await boss.work<Job>(queue, workOptions, async (jobs) => {
    for (const { data } of jobs) {
      if (ended.aborted) return;
      await run(database.db, data, ended).catch((error: unknown) => {
        logger.warn({ err: error, queue, job: data }, 'a run failed; it is tried again');
      });
    }
  });
  const send = (job: Job, key: string): Promise<unknown> => {
    return boss.send(queue, job, { singletonKey: key });
  };
  const look = async (): Promise<void> => {
    while (!ended.aborted) {
      await options.look(database.db, send, ended).catch((error: unknown) => {
        logger.warn({ err: error, queue }, 'a look for what is due failed; it is tried again');
      });
      await signal.wait(lookMs);
    }
  };
  const looking = look();
  return {
    wake: () => signal.notify(),
    async stop() {
      ending.abort();
      signal.notify();
      await looking;
      await boss.offWork(queue, { wait: true });
      await database.close();
    },
  };
}
