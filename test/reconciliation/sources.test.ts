import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { approveDrift, beginRuns } from '../../src/reconciliation/index.ts';
import { runSource } from '../../src/sources/index.ts';
import { newId } from '../../src/ids.ts';
import { startFeedServer, type FeedItem, type FeedServer } from '../support/feed-server.ts';
import { waitFor } from '../support/wait-for.ts';
import { merchantId, openReconciliationRig, type ReconciliationRig } from './rig.ts';

// What owners of quantities say is held against ours, as of the moment they saw it.

let rig: ReconciliationRig;
let feed: FeedServer;

beforeEach(async () => {
  [rig, feed] = await Promise.all([openReconciliationRig(), startFeedServer()]);
});

afterEach(async () => {
  await rig.close();
  await feed.stop();
});

let number = 0;

function figure(sku: string, value: number, more: Partial<FeedItem> = {}): FeedItem {
  number += 1;
  const what = { storeId: 'main', quantity: 'onHand', op: 'set' } as const;
  return { id: `i${number}`, sku, ...what, value, observedAt: new Date().toISOString(), ...more };
}

async function openErp(): Promise<void> {
  await rig.putSource({ sourceId: 'erp', kind: 'http', config: { url: `${feed.url}/changes` } });
}

async function sync(sourceId: string): Promise<void> {
  const { signal } = new AbortController();
  const run = { merchantId, sourceId, runId: newId('run'), trigger: 'request', signal } as const;
  const result = await runSource(rig.sources, run);
  if (!result.ok) throw new Error(result.refusal.code);
}

async function ledgerOf(sku: string): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await rig.rig.inspector.query<Record<string, unknown>>(
    `select delta::integer, reason, reference, actor from ledger_entry where sku = $1
     order by version`,
    [sku],
  );
  return rows;
}

test('what a source never told by its changes becomes an adjustment', async () => {
  await openErp();
  feed.state.changes.push(figure('A', 40), figure('B', 7));
  await sync('erp');
  // Two units came in, and the feed lost the event.
  feed.state.figures = [figure('A', 42), figure('B', 7)];
  await rig.start();
  const run = await rig.reconcile();
  expect(run).toMatchObject({ compared: 2, drifts: 1, settled: 1, pending: 0 });
  expect(await rig.rig.stock()).toEqual({ A: 42, B: 7 });
  const [drift] = await rig.drifts();
  expect(drift).toMatchObject({
    sku: 'A',
    channelId: null,
    sourceId: 'erp',
    quantity: 'onHand',
    expected: 40,
    observed: 42,
    units: -2,
    cause: 'missed_source_event',
    action: 'adjust_ours',
    status: 'settled',
  });
  expect((await ledgerOf('A')).at(-1)).toEqual({
    delta: 2,
    reason: 'reconciliation',
    reference: drift?.driftId,
    actor: 'source:erp',
  });
  expect(await rig.reconcile()).toMatchObject({ compared: 2, drifts: 0 });
});

test('orders since the source looked are no drift, and stay on top of a correction', async () => {
  await openErp();
  feed.state.changes.push(figure('A', 40), figure('B', 40));
  await sync('erp');
  feed.state.figures = [figure('A', 40), figure('B', 38)];
  await rig.rig.change('A', -5);
  await rig.rig.change('B', -5);
  await rig.start();
  expect(await rig.reconcile()).toMatchObject({ compared: 2, drifts: 1, settled: 1 });
  expect(await rig.rig.stock()).toEqual({ A: 35, B: 33 });
  expect(await rig.drifts()).toMatchObject([{ sku: 'B', expected: 40, observed: 38 }]);
});

test('a change that was merely not read yet is read, and is no drift', async () => {
  await openErp();
  feed.state.changes.push(figure('A', 40));
  await sync('erp');
  const later = figure('A', 31);
  feed.state.changes.push(later);
  feed.state.figures = [later];
  await rig.start();
  expect(await rig.reconcile()).toMatchObject({ compared: 1, drifts: 0 });
  expect(await rig.rig.stock()).toEqual({ A: 31 });
  expect((await ledgerOf('A')).at(-1)).toMatchObject({ reason: 'source.set' });
});

test('a drift at the threshold waits, and is measured anew when ours has moved', async () => {
  await openErp();
  feed.state.changes.push(figure('A', 40));
  await sync('erp');
  feed.state.figures = [figure('A', 60)];
  await rig.start();
  expect(await rig.reconcile({ sourceId: 'erp' })).toMatchObject({ drifts: 1, pending: 1 });
  expect(await rig.rig.stock()).toEqual({ A: 40 });
  expect(rig.alerts).toMatchObject([{ sourceId: 'erp', channelId: null, pending: 1, units: 20 }]);
  const [drift] = await rig.drifts();
  const driftId = drift?.driftId ?? '';
  // Somebody else's figure: as if it had been recorded before the source looked.
  await rig.rig.change('A', 3);
  await rig.rig.inspector.query(
    `update ledger_entry set recorded_at = recorded_at - interval '1 hour' where delta = 3`,
  );
  await approveDrift(rig.rig.db, { merchantId, driftId });
  await waitFor(async () => (await rig.drifts()).length === 2, { what: 'what is found now' });
  expect(await rig.drifts()).toMatchObject([
    { driftId, status: 'superseded' },
    { status: 'pending', expected: 43, observed: 60, units: -17 },
  ]);
  expect(await rig.rig.stock()).toEqual({ A: 43 });
  const again = (await rig.drifts())[1]?.driftId ?? '';
  await approveDrift(rig.rig.db, { merchantId, driftId: again });
  await waitFor(async () => (await rig.rig.stock())['A'] === 60, { what: 'the adjustment' });
  expect((await rig.drifts())[1]).toMatchObject({ status: 'settled' });
});

test('a snapshot that says zero for everything changes nothing and raises one alert', async () => {
  await openErp();
  const skus = Array.from({ length: 10 }, (_, i) => `S${i}`);
  // Each by itself is below the threshold.
  feed.state.changes.push(...skus.map((sku) => figure(sku, 3)));
  await sync('erp');
  feed.state.figures = skus.map((sku) => figure(sku, 0));
  await rig.start();
  expect(await rig.reconcile()).toMatchObject({ drifts: 10, settled: 0, pending: 10 });
  expect(new Set(Object.values(await rig.rig.stock()))).toEqual(new Set([3]));
  expect(rig.alerts).toHaveLength(1);
});

test('an empty or a failing snapshot says nothing about stock', async () => {
  await openErp();
  feed.state.changes.push(figure('A', 40));
  await sync('erp');
  await rig.start();
  const run = await rig.reconcile();
  expect(run.parts).toMatchObject([{ sourceId: 'erp', status: 'failed', code: 'empty_snapshot' }]);
  await feed.stop();
  expect((await rig.reconcile()).parts).toMatchObject([{ sourceId: 'erp', status: 'failed' }]);
  expect(await rig.rig.stock()).toEqual({ A: 40 });
  expect(await rig.drifts()).toEqual([]);
});

test('a file that says otherwise is drift, and what pushes only is not read', async () => {
  const path = join(rig.feedFolder, 'counts.csv');
  const long = new Date(Date.now() - 3_600_000);
  await writeFile(path, 'sku,store_id,quantity,value\nA,main,onHand,12\n');
  await utimes(path, long, long);
  await rig.putSource({
    sourceId: 'file',
    kind: 'csv',
    mode: 'full',
    config: { path: 'counts.csv' },
  });
  await rig.putSource({ sourceId: 'till', kind: 'push', owns: [{ quantity: 'pendingSales' }] });
  await sync('file');
  await writeFile(path, 'sku,store_id,quantity,value\nA,main,onHand,14\n');
  await rig.start();
  const run = await rig.reconcile();
  expect(run.parts).toMatchObject([
    { sourceId: 'file', status: 'finished', drifts: 1 },
    { sourceId: 'till', status: 'finished', code: 'not_readable' },
  ]);
  expect(await rig.rig.stock()).toEqual({ A: 14 });
  expect((await ledgerOf('A')).at(-1)).toMatchObject({ delta: 2, reason: 'reconciliation' });
  // The file's own run finds it known.
  await sync('file');
  expect(await rig.rig.stock()).toEqual({ A: 14 });
});

test('a long snapshot is read page by page, and begun anew where its cursor is lost', async () => {
  await rig.putSource({
    sourceId: 'file',
    kind: 'csv',
    mode: 'full',
    config: { path: 'long.csv' },
  });
  const skus = Array.from({ length: 1_200 }, (_, i) => `S${i}`);
  const write = (last: number): Promise<void> => {
    const rows = skus.map((sku) => `${sku},main,onHand,${sku === 'S1199' ? last : 4}`);
    const path = join(rig.feedFolder, 'long.csv');
    return writeFile(path, ['sku,store_id,quantity,value', ...rows, ''].join('\n'));
  };
  await write(4);
  await sync('file');
  await write(6);
  const context = {
    db: rig.rig.db,
    adapters: rig.rig.adapters,
    sources: rig.sources,
    settings: { discrepancyThreshold: 5, alertOnBreach: true },
    events: {},
    confirmMs: 0,
    settleMs: 1_000,
  };
  const id = await rig.request({ sourceId: 'file' });
  await beginRuns(context);
  // As another process leaves it whose file was another one.
  await rig.rig.inspector.query(
    `update reconciliation_part
     set position = jsonb_build_object('cursor', $1::text), compared = 7
     where source_id = 'file'`,
    [JSON.stringify({ digest: 'of another file', row: 1_000, isDone: false })],
  );
  await rig.start();
  const run = await rig.finished(id);
  expect(run).toMatchObject({ compared: 1_200, drifts: 1, settled: 1 });
  expect(run.parts).toMatchObject([{ status: 'finished', code: 'restarted' }]);
  expect((await rig.rig.stock())['S1199']).toBe(6);
});
