import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSourcesRig, type SourcesRig } from '../sources/rig.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { run } from './run.ts';

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
  feed = await startFeedServer();
  const config = { url: `${feed.url}/changes` };
  await rig.put({ sourceId: 'erp', kind: 'http', config, batchSize: 2 });
});
afterAll(async () => {
  await rig.close();
  await feed.stop();
});

const onhand = (...args: string[]) => run(rig.connectionString, ['sources', ...args]);

/** The feed says so of five SKUs. */
function say(value: number): void {
  for (let sku = 0; sku < 5; sku += 1) {
    const id = `evt-${feed.state.changes.length}`;
    const observedAt = new Date().toISOString();
    const what = { storeId: 'main', quantity: 'onHand', op: 'set', observedAt } as const;
    feed.state.changes.push({ ...what, id, version: id.slice(4), sku: `cli-${sku}`, value });
  }
}

test('sources are read, listed and decided on from the command line', async () => {
  say(7);
  const first = await onhand('sync', 'erp');
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toMatch(/erp +\S+ +succeeded +5 +5 +0/);
  // Progress is on the side.
  expect(first.stderr).toContain('erp: 5');
  expect((await onhand('list')).stdout).toMatch(/erp +http +onHand +\S+ +succeeded +5/);
  expect(await onhand('quarantine')).toMatchObject({ code: 0, stdout: 'nothing waits\n' });

  say(0);
  const suspicious = await onhand('sync', '--json');
  expect(suspicious.code).toBe(1);
  const [{ runId }] = JSON.parse(suspicious.stdout) as [{ runId: string }];
  expect(await onhand('quarantine')).toMatchObject({ code: 1 });
  expect(await rig.quantity('cli-1')).toBe(7);
  expect(await onhand('approve', runId)).toMatchObject({ code: 0, stdout: '5 approved\n' });
  expect(await rig.quantity('cli-1')).toBe(0);
  expect(await onhand('refuse', runId)).toMatchObject({ code: 2, stdout: '' });
  const runs = await onhand('runs', '--json');
  expect(JSON.parse(runs.stdout)).toHaveLength(2);
  expect(await onhand('sync', 'nobody')).toMatchObject({ code: 2 });
});
