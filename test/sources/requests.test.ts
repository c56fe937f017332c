import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import {
  dueSources,
  openFigures,
  planOfDueSource,
  requestRun,
  runSource,
} from '../../src/sources/index.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { merchantId } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Runs that are asked for: each promised one comes, and none before the source wants to be asked.

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  feed = await startFeedServer();
});
afterEach(async () => {
  await rig.pool.query('delete from source');
  await feed.stop();
});

const putFeed = (sourceId: string, store: string) =>
  rig.put({
    sourceId,
    kind: 'http',
    config: { url: `${feed.url}/changes` },
    owns: [{ quantity: 'onHand', stores: [store] }],
  });
async function request(sourceId?: string): Promise<string> {
  const result = await requestRun(rig.context.db, merchantId, sourceId);
  return result.ok ? result.value.runId : result.refusal.code;
}
const due = async () => (await dueSources(rig.context.db, 10)).map(({ sourceId }) => sourceId);
const planOf = (sourceId: string) => planOfDueSource(rig.context.db, { merchantId, sourceId });

async function runPlanned(sourceId: string): Promise<void> {
  const plan = await planOf(sourceId);
  if (plan === undefined) throw new Error('it is not due');
  const { signal } = new AbortController();
  const result = await runSource(rig.context, { merchantId, sourceId, ...plan, signal });
  expect(result).toMatchObject({ value: plan });
}

test('a source that asked to be left alone is asked by nobody before that', async () => {
  await putFeed('erp', 'main');
  const headers = { 'retry-after': '600' };
  feed.faults = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 429, headers } }]);
  await rig.run('erp');
  const { length } = feed.journal;
  const runId = await request('erp');
  expect([await due(), await planOf('erp')]).toEqual([[], undefined]);
  // Whoever reads it without a plan, as the command line does, and a reconciliation.
  expect(await rig.run('erp')).toMatchObject({ status: 'blocked', code: 'retry_after' });
  const figures = openFigures(rig.context, { merchantId, sourceId: 'erp' });
  expect(await figures.read(null, AbortSignal.timeout(60_000))).toEqual({
    kind: 'failed',
    code: 'blocked',
  });
  expect(feed.journal).toHaveLength(length);
  expect(await due()).toEqual([]);
  await rig.pool.query('update source set blocked_until = now()');
  expect(await due()).toEqual(['erp']);
  expect(await planOf('erp')).toEqual({ runId, trigger: 'request' });
});

test('a run that waits is what the next request is promised, too', async () => {
  await putFeed('erp', 'main');
  const first = await request('erp');
  expect(await request('erp')).toBe(first);
  await runPlanned('erp');
  expect(await request('erp')).not.toBe(first);
});

test('a request for all gives a run that comes, whoever waits already', async () => {
  await putFeed('erp', 'main');
  await putFeed('wms', 'other');
  const first = await request('erp');
  const all = await request();
  expect(await planOf('erp')).toMatchObject({ runId: first });
  expect(await planOf('wms')).toMatchObject({ runId: all });
  expect([first, all]).toContain(await request());
  await runPlanned('erp');
  const again = await request('erp');
  expect(again).not.toBe(first);
});

test('a request during a run is one for after it', async () => {
  await putFeed('erp', 'main');
  const first = await request('erp');
  const requests: Promise<string>[] = [];
  const { signal } = new AbortController();
  const onPage = (): void => void requests.push(request('erp'));
  const run = { merchantId, sourceId: 'erp', runId: first, trigger: 'request' } as const;
  await runSource(rig.context, { ...run, signal, onPage });
  const [second] = await Promise.all(requests);
  expect(second).not.toBe(first);
  expect(second).toMatch(/^run_/);
});
