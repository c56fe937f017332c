import { afterEach, beforeEach, expect, test } from 'vitest';
import { adjustStock } from '../../src/stock/index.ts';
import { provenance } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

// A channel that shows another figure than it was told keeps it, and says so.

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

type DriftRow = { status: string; expected: number; observed: number; units: number };

const drifts = async (): Promise<DriftRow[]> =>
  (
    await rig.inspector.query<DriftRow>(
      `select status, expected::integer, observed::integer, units::integer from drift
       order by drift_id`,
    )
  ).rows;

/** The channel's own sale, told to us later than it happened. */
async function sellThere(delta: number, secondsAgo: number): Promise<void> {
  await rig.submit(
    adjustStock({
      level: { merchantId, sku: 'A', storeId: 'main' },
      request: { quantity: 'onHand', delta, mode: 'fact' },
      provenance: {
        ...provenance,
        sourceChannel: 'shop',
        occurredAt: new Date(Date.now() - secondsAgo * 1_000),
      },
    }),
  );
}

test('a figure that was changed there is drift, and ours is sent over it at once', async () => {
  const told: number[] = [];
  await rig.start({ events: { onDrift: ({ observed }) => told.push(observed) } });
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 10);
  await rig.settled();
  vendor.state.shown['A'] = 7;
  await rig.setLevel('A', 12);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 12 });
  expect(await drifts()).toEqual([{ status: 'settled', expected: 10, observed: 7, units: 3 }]);
  expect(told).toEqual([7]);
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.attempts.map(({ errorCode }) => errorCode)).toEqual(['stale', null]);
});

test('a figure that is what we wanted anyway is no drift', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 10);
  await rig.settled();
  vendor.state.shown['A'] = 12;
  await rig.setLevel('A', 12);
  await rig.settled();
  expect(await drifts()).toEqual([]);
  expect(vendor.journal).toHaveLength(2);
  // The next change starts from it.
  await rig.setLevel('A', 13);
  await rig.settled();
  expect(await drifts()).toEqual([]);
  expect(vendor.journal).toHaveLength(3);
});

test('of several listings in a call only the one that was changed is sent again', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B', 'C'].map((sku) => rig.setLevel(sku, 5)));
  await rig.connectVendor(vendor, 'shop');
  await rig.settled();
  const before = vendor.journal.length;
  vendor.state.shown['B'] = 2;
  // Together: the relay is held up until all three are there.
  const lock = await rig.inspector.connect();
  try {
    await lock.query('begin');
    await lock.query('lock table outbox_message in share mode');
    const changes = ['A', 'B', 'C'].map((sku) => rig.setLevel(sku, 6));
    await lock.query('commit');
    await Promise.all(changes);
  } finally {
    lock.release();
  }
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 6, B: 6, C: 6 });
  expect(await drifts()).toMatchObject([{ status: 'settled', observed: 2, units: 3 }]);
  const again = vendor.journal.slice(before).at(-1)?.request.body ?? '';
  expect(JSON.parse(again)).toEqual({ changes: [{ id: 'B', quantity: 6, from: 2 }] });
});

test('with the policy hold the listing waits, and the others do not', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { driftPolicy: 'hold' });
  await rig.setLevel('A', 10);
  await rig.settled();
  vendor.state.shown['A'] = 7;
  await rig.setLevel('A', 12);
  await waitFor(async () => (await drifts()).length === 1, { what: 'the drift' });
  await rig.setLevel('A', 13);
  await rig.setLevel('B', 1);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 7, B: 1 });
  expect(await drifts()).toMatchObject([{ status: 'pending', units: 3 }]);
  expect((await rig.deliveries('shop')).map(({ status }) => status)).toContain('held');
});

test('a channel that changes all the time is not called without pause', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 4 });
  await rig.setLevel('A', 10);
  await rig.settled();
  const stale = [7, 6, 5, 4, 3, 2].map((observed) => ({ kind: 'stale' as const, observed }));
  vendor.state.instead['A'] = stale;
  await rig.setLevel('A', 12);
  await waitFor(async () => (await rig.deliveries('shop'))[0]?.status === 'dead', {
    what: 'the dead letter',
  });
  expect(vendor.journal).toHaveLength(5);
  const found = await drifts();
  expect(found.map(({ status }) => status)).toEqual(['superseded', 'superseded', 'settling']);
  expect(found.reduce((sum, { units }) => sum + units, 0)).toBe(5);
});

test('what the channel sold itself is in the figure it is expected to show', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 10);
  await rig.settled();
  // It sold two, and its order comes together with another change.
  vendor.state.shown['A'] = 8;
  const lock = await rig.inspector.connect();
  try {
    await lock.query('begin');
    await lock.query('lock table outbox_message in share mode');
    const changes = [rig.change('A', -2, 'shop'), rig.change('A', 5)];
    await lock.query('commit');
    await Promise.all(changes);
  } finally {
    lock.release();
  }
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 13 });
  expect(await drifts()).toEqual([]);
  expect(vendor.journal).toHaveLength(2);
  const last = JSON.parse(vendor.journal.at(-1)?.request.body ?? '') as unknown;
  expect(last).toEqual({ changes: [{ id: 'A', quantity: 13, from: 8 }] });
});

test('a sale that our figure has overwritten is not taken for known', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 10);
  await rig.settled();
  // It sold one; before its order comes, our next figure overwrites that.
  vendor.state.shown['A'] = 9;
  await rig.change('A', 5);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 15 });
  await sellThere(-1, 60);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 14 });
});

test('a channel that contradicts itself is not asked for ever', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 10);
  await rig.settled();
  // It shows what was thought, it says, and does not take ours because it shows something else.
  vendor.state.instead['A'] = Array.from({ length: 100 }, () => ({ kind: 'stale', observed: 10 }));
  await rig.setLevel('A', 12);
  await rig.settled();
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.status).toBe('dead');
  expect(delivery?.attempts).toHaveLength(4);
  expect(await drifts()).toEqual([]);
});

test('listings that were only in the same call lose no attempt', async () => {
  const jobs = await rig.start();
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 1 });
  for (const sku of ['A', 'B']) await rig.setLevel(sku, 10);
  await rig.settled();
  await rig.stop(jobs);
  vendor.state.instead['A'] = [{ kind: 'refused', code: 'unknown_item' }];
  vendor.state.instead['B'] = [{ kind: 'stale', observed: 10 }];
  for (const sku of ['A', 'B']) await rig.setLevel(sku, 12);
  await rig.start();
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 10, B: 12 });
});
