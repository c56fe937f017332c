import { dueSources, planOfDueSource, runSource, type SourcesContext } from '../sources/index.ts';
import { startDueRuns, type DueRuns, type DueRunsOptions } from './due-runs.ts';

const mostAtOnce = 500;

type Job = { readonly merchantId: string; readonly sourceId: string };

export type SourceRunsOptions = Pick<
  DueRunsOptions<Job>,
  'boss' | 'connectionString' | 'logger' | 'concurrency'
> & { readonly sources: SourcesContext };

/**
 * Reads sources when their time has come, each by its own interval: one job of a source waits at a
 * time, and whoever holds the source's lock reads it.
 */
export async function startSourceRuns({
  sources,
  ...options
}: SourceRunsOptions): Promise<DueRuns> {
  return await startDueRuns<Job>({
    ...options,
    queue: 'sources.sync',
    // A run holds one for its lock and uses another.
    sessions: { applicationName: 'onhand sources', poolSize: 2 * options.concurrency + 1 },
    async look(db, send) {
      for (const { merchantId, sourceId } of await dueSources(db, mostAtOnce)) {
        await send({ merchantId, sourceId }, JSON.stringify([merchantId, sourceId]));
      }
    },
    async run(db, job, signal) {
      const plan = await planOfDueSource(db, job);
      if (plan === undefined) return;
      // Refused: it was deleted, or another process is at it.
      await runSource({ ...sources, db }, { ...job, ...plan, signal });
    },
  });
}
