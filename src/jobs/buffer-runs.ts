import type { PgBoss } from 'pg-boss';
import { openDatabase } from '../db/index.ts';
import type { Logger } from '../logger.ts';
import { listMerchants } from '../merchants/index.ts';
import {
  dueBuffers,
  followChanges,
  planRuns,
  recomputeBuffers,
  type BuffersContext,
} from '../safety-stock/index.ts';
import { Signal } from './signal.ts';

const queue = 'safety-stock.recompute';
/** Between two looks for merchants that are due, and for changes of stock to follow. */
const lookMs = 1_000;
const mostAtOnce = 500;
/** Between two looks for merchants that are new. */
const planMs = 60_000;
/** A net under a worker that hangs: pg-boss gives its job up. */
const expireSeconds = 3_600;

export type BufferRunsOptions = {
  readonly boss: PgBoss;
  readonly connectionString: string;
  readonly buffers: BuffersContext;
  readonly logger: Logger;
};

export type BufferRuns = {
  /** A run was asked for: looks at once. */
  wake(): void;
  /** Lets runs end with the batch they are at. */
  stop(): Promise<void>;
};

type Job = { readonly merchantId: string };

/**
 * Brings safety stock to what its rules want: all levels of a merchant when its time has come or
 * it was asked for, and levels that have changed soon after. When a run is due stands in its row,
 * so that no job can be lost; one run of a merchant is alive at a time over all processes.
 */
export async function startBufferRuns(options: BufferRunsOptions): Promise<BufferRuns> {
  const { boss, logger } = options;
  const database = openDatabase({
    connectionString: options.connectionString,
    // A run and the following hold one each for their lock, and use others.
    poolSize: 5,
    applicationName: 'onhand safety stock',
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const { db } = database;
  const buffers = { ...options.buffers, db };
  const ending = new AbortController();
  const { signal: ended } = ending;
  const signal = new Signal();
  await boss.createQueue(queue, {
    policy: 'short',
    retryLimit: 0,
    deleteAfterSeconds: 3_600,
    expireInSeconds: expireSeconds,
  });
  await boss.work<Job>(queue, { pollingIntervalSeconds: 0.5 }, async (jobs) => {
    for (const { data } of jobs) await recompute(buffers, data, ended, logger);
  });
  let plannedAt = 0;
  const look = async (): Promise<void> => {
    while (!ended.aborted) {
      try {
        if (plannedAt === 0 || performance.now() - plannedAt > planMs) {
          await planAll(buffers);
          plannedAt = performance.now();
        }
        for (const merchantId of await dueBuffers(buffers, mostAtOnce)) {
          await boss.send(queue, { merchantId }, { singletonKey: merchantId });
        }
        await followChanges(buffers, ended);
      } catch (error) {
        logger.warn({ err: error }, 'safety stock could not be looked after; it tries again');
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

async function recompute(
  buffers: BuffersContext,
  { merchantId }: Job,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  if (signal.aborted) return;
  try {
    // A job that was sent while a run was under way finds that nothing is due any more.
    const done = await recomputeBuffers(buffers, merchantId, { signal, onlyIfDue: true });
    if (done !== undefined && done.changed > 0) {
      logger.info({ merchantId, ...done }, 'safety stock was brought up to date');
    }
  } catch (error) {
    logger.warn({ err: error, merchantId }, 'safety stock could not be computed; it tries again');
  }
}

async function planAll({ db }: BuffersContext): Promise<void> {
  let after: string | undefined;
  do {
    const page = await listMerchants(db, { after, limit: 1_000 });
    const merchantIds = page.items.map(({ merchantId }) => merchantId);
    await planRuns(db, merchantIds);
    after = page.next;
  } while (after !== undefined);
}
