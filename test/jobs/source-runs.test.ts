import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdapters } from '../../src/channels/index.ts';
import { startJobs, type Jobs } from '../../src/jobs/index.ts';
import { createLogger } from '../../src/logger.ts';
import { requestRun, startSync, stopSync } from '../../src/sources/index.ts';
import { openSourcesRig, type SourcesRig } from '../sources/rig.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { merchantId } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';

// Sources are read by the clock and on request, by several processes that share a database.

let rig: SourcesRig;
let feed: FeedServer;
let processes: readonly Jobs[] = [];
beforeAll(async () => {
  rig = await openSourcesRig();
  feed = await startFeedServer();
  const start = (): Promise<Jobs> =>
    startJobs({
      connectionString: rig.connectionString,
      adapters: createAdapters({ allowPrivateAddresses: true }),
      secretBox: rig.context.secretBox,
      clock: rig.context.clock,
      logger: createLogger('silent'),
      retry: { baseMs: 50, maxMs: 100, multiplier: 2, maxAttempts: 3, deadLetters: true },
      workers: true,
      sources: rig.context,
    });
  processes = [await start(), await start()];
});
afterAll(async () => {
  await Promise.all(processes.map((jobs) => jobs.stop(2_000)));
  await rig.close();
  await feed.stop();
});

type Run = { run_id: string; trigger: string; status: string; started_at: Date; finished_at: Date };

async function runsOf(sourceId: string): Promise<readonly Run[]> {
  const { rows } = await rig.pool.query<Run>(
    'select * from source_run where source_id = $1 and status <> $2 order by started_at',
    [sourceId, 'running'],
  );
  return rows;
}

const putFeed = (sourceId: string, stores: string[], intervalMinutes: number) =>
  rig.put({
    sourceId,
    kind: 'http',
    config: { url: `${feed.url}/changes` },
    owns: [{ quantity: 'onHand', stores }],
    intervalMinutes,
  });

test('by its interval, one run at a time in all processes together', async () => {
  await putFeed('often', ['a'], 0.01);
  await waitFor(async () => (await runsOf('often')).length >= 5, { what: 'five runs' });
  await rig.pool.query(`update source set enabled = false`);
  const runs = await runsOf('often');
  for (const run of runs) expect(run).toMatchObject({ trigger: 'schedule', status: 'succeeded' });
  const overlapping = runs.filter((run, index) => {
    const next = runs[index + 1];
    return next !== undefined && next.started_at < run.finished_at;
  });
  expect(overlapping).toEqual([]);
});

test('on request with the run that was promised, and not by the clock when stopped', async () => {
  await stopSync(rig.context.db, merchantId);
  await putFeed('asked', ['b'], 0.01);
  const requested = await requestRun(rig.context.db, merchantId, 'asked');
  for (const jobs of processes) jobs.wakeSources();
  await waitFor(async () => (await runsOf('asked')).length > 0, { what: 'the run' });
  const runs = await runsOf('asked');
  expect(runs).toMatchObject([
    { run_id: requested.ok ? requested.value.runId : '', trigger: 'request' },
  ]);
  await startSync(rig.context.db, merchantId, undefined);
  await waitFor(async () => (await runsOf('asked')).length > 1, { what: 'a run by the clock' });
  expect((await runsOf('asked'))[1]).toMatchObject({ trigger: 'schedule' });
});
