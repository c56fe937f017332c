import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Large reads, scaled down; the figures are printed and not judged: they are the machine's.

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
  feed = await startFeedServer();
});
afterAll(async () => {
  await rig.close();
  await feed.stop();
});

const items = 4_000;

function figures(value: number, version: number) {
  return Array.from({ length: items }, (_, index) => ({
    id: `evt-${version}-${index}`,
    version: String(version),
    sku: `page-${index}`,
    storeId: 'main',
    quantity: 'onHand',
    op: 'set' as const,
    value: value + (index % 7),
    observedAt: new Date(1_790_000_000_000 + version * 1000).toISOString(),
  }));
}

test('a delta in pages of 100 and a full read bring every level about', async () => {
  const config = { url: `${feed.url}/changes` };
  await rig.put({ sourceId: 'erp', kind: 'http', config, batchSize: 100 });
  feed.state.changes = figures(10, 1);
  await rig.run('erp');
  feed.state.changes.push(...figures(20, 2));
  const deltaStart = performance.now();
  expect(await rig.run('erp')).toMatchObject({ pages: items / 100, applied: items });
  const deltaMs = performance.now() - deltaStart;
  feed.state.figures = figures(30, 3);
  await rig.put({ sourceId: 'erp', kind: 'http', mode: 'full', config, batchSize: 1_000 });
  const fullStart = performance.now();
  expect(await rig.run('erp')).toMatchObject({ pages: items / 1_000, applied: items });
  const fullMs = performance.now() - fullStart;
  process.stdout.write(
    `sources: a page of 100 changes ${(deltaMs / (items / 100)).toFixed(1)} ms on average, ` +
      `a full read of ${items} ${(fullMs / 1000).toFixed(2)} s\n`,
  );
  const { rows } = await rig.pool.query<{ levels: number; units: number }>(
    'select count(*)::integer as levels, sum(on_hand)::integer as units from stock_level',
  );
  const units = feed.state.figures.reduce((sum, { value }) => sum + (value ?? 0), 0);
  expect(rows).toEqual([{ levels: items, units }]);
  await expectCleanAudit(rig.pool);
});
