import type { Db } from '../db/index.ts';
import { listMerchants } from '../merchants/index.ts';
import {
  dueBuffers,
  followChanges,
  planRuns,
  recomputeBuffers,
  type BuffersContext,
} from '../safety-stock/index.ts';
import { startDueRuns, type DueRuns, type DueRunsOptions } from './due-runs.ts';

const mostAtOnce = 500;
/** Between two looks for merchants that are new. */
const planMs = 60_000;

type Job = { readonly merchantId: string };

export type BufferRunsOptions = Pick<
  DueRunsOptions<Job>,
  'boss' | 'connectionString' | 'logger'
> & { readonly buffers: BuffersContext };

/**
 * Brings safety stock to what its rules want: all levels of a merchant when its time has come or
 * it was asked for, and levels that have changed soon after. One run of a merchant is alive at a
 * time over all processes.
 */
export async function startBufferRuns({
  buffers,
  ...options
}: BufferRunsOptions): Promise<DueRuns> {
  let plannedAt = -Infinity;
  return await startDueRuns<Job>({
    ...options,
    queue: 'safety-stock.recompute',
    // A run and the following hold one each for their lock, and use others.
    sessions: { applicationName: 'onhand safety stock', poolSize: 5 },
    concurrency: 1,
    async look(db, send, signal) {
      if (performance.now() - plannedAt > planMs) {
        await planAll(db);
        plannedAt = performance.now();
      }
      for (const merchantId of await dueBuffers({ ...buffers, db }, mostAtOnce)) {
        await send({ merchantId }, merchantId);
      }
      await followChanges({ ...buffers, db }, signal);
    },
    async run(db, { merchantId }, signal) {
      const context = { ...buffers, db };
      // A job that was sent while a run was under way finds that nothing is due any more.
      const done = await recomputeBuffers(context, merchantId, { signal, onlyIfDue: true });
      if (done === undefined || done.changed === 0) return;
      options.logger.info({ merchantId, ...done }, 'safety stock was brought up to date');
    },
  });
}

async function planAll(db: Db): Promise<void> {
  let after: string | undefined;
  do {
    const page = await listMerchants(db, { after, limit: 1_000 });
    const merchantIds = page.items.map(({ merchantId }) => merchantId);
    await planRuns(db, merchantIds);
    after = page.next;
  } while (after !== undefined);
}
