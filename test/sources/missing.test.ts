import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startFeedServer, type FeedItem, type FeedServer } from '../support/feed-server.ts';
import { newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// What a full read does not show.

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  feed = await startFeedServer();
  const config = { url: `${feed.url}/stock` };
  await rig.put({ sourceId: 'erp', kind: 'http', mode: 'full', config, batchSize: 3 });
});
afterEach(async () => {
  await rig.pool.query('delete from source');
  await feed.stop();
});

const yesterday = Date.now() - 86_400_000;
const skus = (count: number): string[] => Array.from({ length: count }, newSku);

function figure(sku: string, value: number, more: Partial<FeedItem> = {}): FeedItem {
  const what = { storeId: 'main', quantity: 'onHand', op: 'set', version: '1' } as const;
  const observedAt = new Date(yesterday).toISOString();
  return { id: `${sku}-${value}`, sku, ...what, value, observedAt, ...more };
}

/** A full read that shows this. */
async function read(...figures: FeedItem[]) {
  feed.state.figures = figures;
  return await rig.run('erp');
}

const onHand = (all: readonly string[]) => Promise.all(all.map((sku) => rig.quantity(sku)));

test('a row that cannot be read says that its figure is there', async () => {
  const [a = '', b = '', c = ''] = skus(3);
  await read(figure(a, 10), figure(b, 10), figure(c, 10));
  const broken = { ...figure(b, 10), value: 10.5 };
  expect(await read(figure(a, 10), broken)).toMatchObject({ status: 'succeeded', code: null });
  expect(await onHand([a, b, c])).toEqual([10, 10, 0]);
});

test('a row that does not say what it is about lets nothing be gone', async () => {
  const all = skus(5);
  const figures = all.map((sku) => figure(sku, 10));
  await read(...figures);
  const nameless = { ...figure('x', 10), sku: '' };
  const run = await read(nameless, ...figures.slice(1));
  expect(run).toMatchObject({ status: 'succeeded', code: 'rows_without_place', pages: 2 });
  expect(await onHand(all)).toEqual([10, 10, 10, 10, 10]);
  expect(await read(...figures.slice(1))).toMatchObject({ code: null });
  expect(await onHand(all)).toEqual([0, 10, 10, 10, 10]);
});

test('what was missing is back with the very figure that it had', async () => {
  const [a = '', b = '', c = ''] = skus(3);
  const figures = [figure(a, 10), figure(b, 10), figure(c, 10)];
  await read(...figures);
  await read(figure(a, 10), figure(c, 10));
  expect(await onHand([a, b, c])).toEqual([10, 0, 10]);
  expect(await read(...figures)).toMatchObject({ applied: 1, unchanged: 2, stale: 0 });
  expect(await onHand([a, b, c])).toEqual([10, 10, 10]);
  await read(figure(a, 10), figure(c, 10));
  await read(figure(a, 10), figure(b, 11, { version: '2' }), figure(c, 10));
  expect(await onHand([a, b, c])).toEqual([10, 11, 10]);
});

test('what is older than the figure that is missing stays out of date', async () => {
  const [a = '', b = ''] = skus(2);
  await read(figure(a, 10), figure(b, 10, { version: '5' }));
  await read(figure(a, 10));
  expect(await read(figure(a, 10), figure(b, 9, { version: '4' }))).toMatchObject({ stale: 1 });
  expect(await rig.quantity(b)).toBe(0);
});

test('the next good read takes back what waits because too much was missing', async () => {
  const all = skus(10);
  const figures = all.map((sku) => figure(sku, 10));
  await read(...figures);
  expect(await read(...figures.slice(7))).toMatchObject({ quarantined: 7 });
  expect(await read(...figures)).toMatchObject({ unchanged: 10, stale: 0, quarantined: 0 });
  const { rows } = await rig.pool.query('select distinct status from source_quarantine');
  expect(rows).toEqual([{ status: 'superseded' }]);
  expect(new Set(await onHand(all))).toEqual(new Set([10]));
});

test('a figure by a clock that is ahead is missing like any other', async () => {
  const [a = '', b = ''] = skus(2);
  const ahead = { observedAt: new Date(Date.now() + 600_000).toISOString() };
  await read(figure(a, 10), figure(b, 10, ahead));
  await read(figure(a, 10));
  expect(await rig.quantity(b)).toBe(0);
});
