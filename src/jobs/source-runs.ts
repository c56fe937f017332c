import type { PgBoss } from 'pg-boss';
import { openDatabase } from '../db/index.ts';
import type { Logger } from '../logger.ts';
import { dueSources, planOfDueSource, runSource, type SourcesContext } from '../sources/index.ts';
import { Signal } from './signal.ts';

const queue = 'sources.sync';
/** Between two looks for sources whose time has come. */
const lookMs = 1_000;
const mostAtOnce = 500;
/** A net under a worker that hangs: pg-boss gives its job up. */
const expireSeconds = 3_600;

export type SourceRunsOptions = {
  readonly boss: PgBoss;
  readonly connectionString: string;
  readonly sources: SourcesContext;
  readonly logger: Logger;
  /** Sources that this process reads at once. */
  readonly concurrency: number;
};

export type SourceRuns = {
  /** A run was asked for, or a source was made: looks at once. */
  wake(): void;
  /** Lets runs end with the page they are at. */
  stop(): Promise<void>;
};

type Job = { readonly merchantId: string; readonly sourceId: string };

/**
 * Reads sources when their time has come, each by its own interval. When that is stands in the
 * source's row, so that no job can be lost: every process looks, one job of a source waits at a
 * time, and whoever holds the source's lock reads it.
 */
export async function startSourceRuns(options: SourceRunsOptions): Promise<SourceRuns> {
  const { boss, connectionString, logger, concurrency } = options;
  const database = openDatabase({
    connectionString,
    // A run holds one for its lock and uses another.
    poolSize: 2 * concurrency + 1,
    applicationName: 'onhand sources',
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const sources = { ...options.sources, db: database.db };
  const ending = new AbortController();
  const signal = new Signal();
  await boss.createQueue(queue, {
    policy: 'short',
    retryLimit: 0,
    deleteAfterSeconds: 3_600,
    expireInSeconds: expireSeconds,
  });
  const workOptions = { pollingIntervalSeconds: 0.5, localConcurrency: concurrency };
  await boss.work<Job>(queue, workOptions, async (jobs) => {
    for (const { data } of jobs) await runDue(sources, data, ending.signal, logger);
  });
  const look = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        for (const { merchantId, sourceId } of await dueSources(database.db, mostAtOnce)) {
          const singletonKey = JSON.stringify([merchantId, sourceId]);
          await boss.send(queue, { merchantId, sourceId }, { singletonKey });
        }
      } catch (error) {
        logger.warn({ err: error }, 'sources that are due could not be found; it tries again');
      }
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

async function runDue(
  sources: SourcesContext,
  job: Job,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  if (signal.aborted) return;
  try {
    const plan = await planOfDueSource(sources.db, job);
    if (plan === undefined) return;
    // Refused: it was deleted, or another process is at it.
    await runSource(sources, { ...job, ...plan, signal });
  } catch (error) {
    logger.warn({ err: error, ...job }, 'a source could not be read; it is tried again');
  }
}
