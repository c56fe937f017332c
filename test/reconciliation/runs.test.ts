import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSquareAdapter } from '../../src/channels/square/adapter.ts';
import { scheduleReconciliations } from '../../src/reconciliation/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { merchantId, openReconciliationRig, type ReconciliationRig } from './rig.ts';
import { Door, vendors, withDoors, type TestVendor } from './vendors.ts';

// Runs over several processes, and over processes that die.

let rig: ReconciliationRig;
let vendor: TestVendor;
let door: Door;

const count = 450;
const seed = Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, 4]));

beforeEach(async () => {
  door = new Door();
  // Pages of 100, so that a run has several.
  const adapter = { ...createSquareAdapter({ allowPrivateAddresses: true }), maxBatch: 100 };
  rig = await openReconciliationRig(withDoors(adapter, { read: door }));
  vendor = (await vendors['square']?.(seed)) ?? vendor;
});

afterEach(async () => {
  door.open();
  await rig.close();
  await vendor.stop();
});

async function fill(): Promise<void> {
  await Promise.all(Object.keys(seed).map((sku) => rig.rig.setLevel(sku, 4)));
  await vendor.connect(rig.rig, 'shop');
  await rig.rig.settled(60_000);
}

async function runs(): Promise<number> {
  const { rows } = await rig.rig.inspector.query<{ runs: number }>(
    'select count(*)::integer as runs from reconciliation',
  );
  return rows[0]?.runs ?? Number.NaN;
}

test('two processes do one run, and compare each listing once', async () => {
  await rig.start();
  await rig.start();
  await fill();
  const before = vendor.calls();
  // The clock of both says that it is time.
  door.shut();
  const schedule = () => scheduleReconciliations(rig.rig.db, [merchantId]);
  await Promise.all([schedule(), schedule()]);
  await waitFor(() => door.waiting > 0, { what: 'the first read' });
  expect(await schedule()).toBe(0);
  expect(await runs()).toBe(1);
  const [id] = (
    await rig.rig.inspector.query<{ id: string }>(
      'select reconciliation_id as id from reconciliation',
    )
  ).rows;
  door.open();
  const run = await rig.finished(id?.id ?? '');
  expect(run).toMatchObject({ trigger: 'schedule', compared: count, drifts: 0, inFlight: 0 });
  expect(vendor.calls() - before).toBe(Math.ceil(count / 100));
});

test('a run that is asked for while another is under way begins after it', async () => {
  await rig.start();
  await fill();
  door.shut();
  const first = await rig.request();
  await waitFor(() => door.waiting > 0, { what: 'the first read' });
  const second = await rig.request({ channelId: 'shop' });
  const third = await rig.request({ channelId: 'shop' });
  expect(third).toBe(second);
  expect(await rig.view(second)).toMatchObject({ status: 'queued', compared: 0 });
  door.open();
  await rig.finished(first);
  expect(await rig.finished(second)).toMatchObject({ compared: count });
});

test('a run whose process is killed is gone on with, and no listing is left out', async () => {
  const first = await rig.start();
  await fill();
  for (const sku of ['S1', 'S200', 'S449']) vendor.setByHand(sku, 3);
  door.shut();
  const id = await rig.request();
  await waitFor(() => door.waiting > 0, { what: 'the first read' });
  const before = door.waiting;
  door.open();
  door.shut();
  await waitFor(() => door.waiting > before, { what: 'a later read' });
  const calls = vendor.calls();
  // The read it waits for is never answered to it.
  const killed = rig.rig.kill(first);
  door.open();
  await killed;
  await rig.start();
  const run = await rig.finished(id);
  expect(run).toMatchObject({ compared: count, drifts: 3, settled: 3, pending: 0 });
  expect((await rig.drifts()).map(({ sku }) => sku).toSorted()).toEqual(['S1', 'S200', 'S449']);
  expect(Object.keys(seed).filter((sku) => vendor.shown(sku) !== 4)).toEqual([]);
  // Not from the beginning: what was done before it was killed is not read again.
  const all = Math.ceil(count / 100) + 1;
  expect(vendor.calls() - calls).toBeLessThan(all + 2);
});

test('a ledger that does not add up is reported with every run', async () => {
  await rig.start();
  await rig.rig.setLevel('A', 5);
  const before = await rig.reconcile();
  expect(before.ledger).toMatchObject({ ledger_sum_differs: 0, version_differs: 0 });
  await rig.rig.inspector.query(`update stock_level set on_hand = 6 where sku = 'A'`);
  const run = await rig.reconcile();
  expect(run.ledger).toMatchObject({ ledger_sum_differs: 1, version_differs: 0 });
});
