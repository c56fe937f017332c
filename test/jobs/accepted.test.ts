import { afterEach, beforeEach, expect, test } from 'vitest';
import { listListings } from '../../src/channels/index.ts';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

// What a channel has taken is not yet what it shows.

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
  vendor.state.isAccepting = true;
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

const listing = async (sku = 'A') => {
  const found = await listListings(rig.db, { merchantId, channelId: 'shop', sku, limit: 1 });
  return found.ok ? found.value.items[0] : undefined;
};
const polls = (): number =>
  Object.values(vendor.state.operations).reduce((sum, operation) => sum + operation.polls, 0);
const isAccepted = async (): Promise<boolean> => (await listing())?.state === 'accepted';

test('what is accepted is pending until the channel says that it is done', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 5);
  await waitFor(isAccepted, { what: 'the acceptance' });
  expect(await listing()).toMatchObject({ pending: true, publishedQuantity: null });
  await waitFor(() => polls() >= 2, { what: 'two polls' });
  const [waiting] = await rig.deliveries('shop');
  expect(waiting).toMatchObject({ status: 'accepted', attempts: [{ outcome: 'accepted' }] });
  vendor.state.isReleasing = true;
  await rig.settled();
  expect(await listing()).toMatchObject({ pending: false, state: 'idle', publishedQuantity: 5 });
  const [done] = await rig.deliveries('shop');
  expect(done?.deliveryId).toBe(waiting?.deliveryId);
  expect(done?.status).toBe('delivered');
  expect(done?.attempts.map(({ outcome }) => outcome)).toEqual(['accepted', 'delivered']);
  expect((await rig.inspector.query('select from accepted_operation')).rows).toEqual([]);
});

test('a newer figure waits for the operation, and follows it', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 5);
  await waitFor(isAccepted, { what: 'the acceptance' });
  await rig.setLevel('A', 6);
  const seen = polls();
  await waitFor(() => polls() > seen, { what: 'another poll' });
  expect(Object.keys(vendor.state.operations)).toHaveLength(1);
  vendor.state.isReleasing = true;
  await rig.settled();
  expect(vendor.state.writes.map(({ quantity }) => quantity)).toEqual([5, 6]);
});

test('an operation is asked for no sooner than the channel wants', async () => {
  await rig.start();
  vendor.state.pollAfterMs = 700;
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 5);
  await waitFor(() => polls() === 1, { what: 'the first poll' });
  vendor.state.isReleasing = true;
  await rig.settled();
  const times = vendor.journal
    .filter(({ request }) => request.method === 'GET')
    .map(({ at }) => at.getTime());
  expect(times).toHaveLength(2);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(695);
});

test('what an operation could not do is tried again or given up, listing by listing', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B', 'C'].map((sku) => rig.setLevel(sku, 5)));
  vendor.state.instead = {
    A: [{ kind: 'retry', code: 'busy' }],
    // As often as it is asked: that the channel is new again may bring it once more.
    B: Array.from({ length: 9 }, () => ({ kind: 'refused' as const, code: 'unknown_item' })),
  };
  await rig.connectVendor(vendor, 'shop');
  vendor.state.isReleasing = true;
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 5, C: 5 });
  expect(await listing('B')).toMatchObject({ state: 'dead' });
});

test('an operation that never ends is given up for the newest figures', async () => {
  await rig.start({ acceptedMaxMs: 300 });
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 50 });
  await rig.setLevel('A', 5);
  await waitFor(isAccepted, { what: 'the acceptance' });
  await rig.setLevel('A', 6);
  await waitFor(() => Object.keys(vendor.state.operations).length > 1, { what: 'another call' });
  vendor.state.isAccepting = false;
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 6 });
  expect(vendor.state.mismatches).toEqual([]);
});

test('a poll that fails spends no attempt of the delivery', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 2 });
  await rig.setLevel('A', 5);
  await waitFor(isAccepted, { what: 'the acceptance' });
  const before = vendor.journal.length;
  vendor.faults = new FaultPlan([
    { route: 'GET', share: 1, fault: { kind: 'status', status: 500 } },
  ]);
  await waitFor(() => vendor.journal.length > before + 4, { what: 'failing polls' });
  vendor.faults = new FaultPlan();
  vendor.state.isReleasing = true;
  await rig.settled();
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.status).toBe('delivered');
  expect(delivery?.attempts.map(({ outcome }) => outcome)).toEqual(['accepted', 'delivered']);
});

test('a killed process leaves its operations to the next', async () => {
  const first = await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 5);
  await waitFor(isAccepted, { what: 'the acceptance' });
  await rig.kill(first);
  vendor.state.isReleasing = true;
  await rig.start();
  await rig.settled();
  expect(vendor.state.writes).toEqual([{ id: 'A', quantity: 5 }]);
  expect(Object.keys(vendor.state.operations)).toHaveLength(1);
});
