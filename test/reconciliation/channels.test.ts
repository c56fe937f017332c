import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSquareAdapter } from '../../src/channels/square/adapter.ts';
import { approveDrift, ignoreDrift } from '../../src/reconciliation/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { merchantId, openReconciliationRig, type ReconciliationRig } from './rig.ts';
import { Door, vendors, withDoors, type TestVendor } from './vendors.ts';

// What channels show is held against ours, with the vendors' servers as they are emulated.

let rig: ReconciliationRig;
let vendor: TestVendor;
const doors = { publish: new Door(), read: new Door() };

const seed = { A: 0, B: 0, C: 0 };

async function open(kind: string, more: Parameters<TestVendor['connect']>[2] = {}): Promise<void> {
  vendor = (await vendors[kind]?.(seed)) ?? vendor;
  for (const sku of Object.keys(seed)) await rig.rig.setLevel(sku, 10);
  await rig.start();
  await vendor.connect(rig.rig, 'shop', more);
  await rig.rig.settled();
}

beforeEach(async () => {
  const adapter = withDoors(createSquareAdapter({ allowPrivateAddresses: true }), doors);
  rig = await openReconciliationRig(adapter);
});

afterEach(async () => {
  doors.publish.open();
  doors.read.open();
  await rig.close();
  await vendor.stop();
});

describe.each(Object.keys(vendors))('%s', (kind) => {
  test('a figure changed by hand is found, explained and settled within one run', async () => {
    await open(kind);
    await rig.rig.change('B', -1);
    await rig.rig.settled();
    vendor.setByHand('B', 12);
    const run = await rig.reconcile();
    expect(vendor.shown('B')).toBe(9);
    expect(run).toMatchObject({
      status: 'finished',
      compared: 3,
      drifts: 1,
      settled: 1,
      pending: 0,
    });
    expect(run.parts).toMatchObject([
      { channelId: 'shop', status: 'finished', code: null, compared: 3, drifts: 1, missing: 0 },
    ]);
    const [drift, ...others] = await rig.drifts();
    expect(others).toEqual([]);
    expect(drift).toMatchObject({
      sku: 'B',
      storeId: 'main',
      channelId: 'shop',
      expected: 9,
      observed: 12,
      units: -3,
      cause: 'channel_changed',
      action: 'send_ours',
      status: 'settled',
      reconciliationId: run.reconciliationId,
      quantity: null,
      entryCount: 0,
    });
    expect(drift?.agreedAt).not.toBeNull();
    // The books agree again: nothing is left to be found.
    expect(await rig.reconcile()).toMatchObject({ compared: 3, drifts: 0 });
  });
});

test('what is on its way to the channel is not reported', async () => {
  await open('square');
  doors.publish.shut();
  const before = doors.publish.waiting;
  await rig.rig.change('A', -4);
  await waitFor(() => doors.publish.waiting > before, { what: 'the call' });
  // The call is open: we have 6, the channel shows 10.
  expect(vendor.shown('A')).toBe(10);
  const run = await rig.reconcile();
  expect(run).toMatchObject({ compared: 2, inFlight: 1, drifts: 0 });
  doors.publish.open();
  await rig.rig.settled();
  expect(vendor.shown('A')).toBe(6);
  expect(await rig.drifts()).toEqual([]);
});

test('what is delivered while the channel is read is not reported', async () => {
  await open('square');
  doors.read.shut();
  const before = doors.read.waiting;
  const id = await rig.request();
  await waitFor(() => doors.read.waiting > before, { what: 'the read' });
  // The channel has said 10 already; what it is told now must not be held against that.
  await rig.rig.change('A', -4);
  await rig.rig.settled();
  doors.read.open();
  // No figure differed from what it had been told when it was read.
  expect(await rig.finished(id)).toMatchObject({ compared: 3, drifts: 0 });
  expect(await rig.drifts()).toEqual([]);
});

test('a change between the two looks is left to the delivery', async () => {
  await open('square');
  doors.read.shut();
  let before = doors.read.waiting;
  vendor.setByHand('A', 12);
  const id = await rig.request();
  await waitFor(() => doors.read.waiting > before, { what: 'the first look' });
  before = doors.read.waiting;
  doors.read.open();
  doors.read.shut();
  await waitFor(() => doors.read.waiting > before, { what: 'the second look' });
  await rig.rig.change('A', -1);
  await rig.rig.settled();
  doors.read.open();
  expect(await rig.finished(id)).toMatchObject({ compared: 2, inFlight: 1, drifts: 0 });
  expect(vendor.shown('A')).toBe(9);
  expect(await rig.drifts()).toEqual([]);
});

test('a drift at the threshold waits for an approval, and alerts once', async () => {
  await open('shopify');
  vendor.setByHand('A', 15);
  vendor.setByHand('B', 14);
  const run = await rig.reconcile({ channelId: 'shop' });
  expect(run).toMatchObject({ drifts: 2, settled: 1, pending: 1 });
  expect([vendor.shown('A'), vendor.shown('B')]).toEqual([15, 10]);
  expect(rig.alerts).toMatchObject([
    {
      channelId: 'shop',
      sourceId: null,
      pending: 1,
      units: 5,
      reconciliationId: run.reconciliationId,
    },
  ]);
  // It is known: the next run says nothing new of it.
  expect(await rig.reconcile()).toMatchObject({ compared: 3, drifts: 0 });
  const [waiting] = (await rig.drifts()).filter(({ status }) => status === 'pending');
  const driftId = waiting?.driftId ?? '';
  expect(await approveDrift(rig.rig.db, { merchantId, driftId })).toMatchObject({
    ok: true,
    value: { status: 'settling' },
  });
  await waitFor(() => vendor.shown('A') === 10, { what: 'our figure' });
  await waitFor(async () => (await rig.drifts()).every(({ status }) => status === 'settled'), {
    what: 'the drift to be settled',
  });
});

test('an approved drift whose figures have changed is measured anew', async () => {
  await open('shopify', { driftPolicy: 'hold' });
  vendor.setByHand('A', 30);
  await rig.reconcile();
  const [drift] = await rig.drifts();
  vendor.setByHand('A', 50);
  await approveDrift(rig.rig.db, { merchantId, driftId: drift?.driftId ?? '' });
  await waitFor(async () => (await rig.drifts()).length === 2, { what: 'the new drift' });
  expect(vendor.shown('A')).toBe(50);
  expect(await rig.drifts()).toMatchObject([
    { status: 'superseded', observed: 30 },
    { status: 'pending', expected: 10, observed: 50, units: -40 },
  ]);
  const second = (await rig.drifts())[1]?.driftId ?? '';
  await approveDrift(rig.rig.db, { merchantId, driftId: second });
  await waitFor(() => vendor.shown('A') === 10, { what: 'our figure' });
});

test('an ignored drift stays until the level changes, and is not found again', async () => {
  await open('shopify');
  vendor.setByHand('A', 30);
  await rig.reconcile();
  const [drift] = await rig.drifts();
  await ignoreDrift(rig.rig.db, { merchantId, driftId: drift?.driftId ?? '' });
  expect(await rig.reconcile()).toMatchObject({ compared: 3, drifts: 0 });
  expect(vendor.shown('A')).toBe(30);
  await rig.rig.change('A', -1);
  await rig.rig.settled();
  expect(vendor.shown('A')).toBe(9);
});

test('a listing that was given up is told as undelivered, and is sent again', async () => {
  await open('shopify');
  await rig.rig.change('A', -1);
  await rig.rig.settled();
  // As a dead letter leaves it: told of nothing newer, and nobody works on it.
  vendor.setByHand('A', 10);
  await rig.rig.inspector.query(
    `update listing set state = 'dead', published_quantity = 10, published_version = 1
     where sku = 'A'`,
  );
  const run = await rig.reconcile();
  expect(run).toMatchObject({ drifts: 1, settled: 1 });
  expect(await rig.drifts()).toMatchObject([{ cause: 'undelivered', expected: 9, observed: 10 }]);
  expect(vendor.shown('A')).toBe(9);
});

test('a channel that goes back to the figure before ours is told as undelivered', async () => {
  await open('shopify');
  await rig.rig.change('A', -1);
  await rig.rig.settled();
  vendor.setByHand('A', 10);
  await rig.reconcile();
  expect(await rig.drifts()).toMatchObject([{ cause: 'undelivered', status: 'settled' }]);
});

test('a channel that nobody can read fails its part, and the others are compared', async () => {
  await open('shopify');
  const other = await vendors['square']?.(seed);
  if (other === undefined) throw new Error('no vendor');
  await other.connect(rig.rig, 'till');
  await rig.rig.settled();
  await other.stop();
  await rig.rig.connect({ url: 'http://127.0.0.1:1/', secret: '' } as never, 'hook');
  await rig.rig.settled().catch(() => undefined);
  const run = await rig.reconcile();
  expect(run.parts).toMatchObject([
    { channelId: 'hook', status: 'finished', code: 'not_readable' },
    { channelId: 'shop', status: 'finished', compared: 3 },
    { channelId: 'till', status: 'failed', compared: 0 },
  ]);
});
