import { afterEach, beforeEach, expect, test } from 'vitest';
import { putListings } from '../../src/channels/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

// A listing that a channel knows by other ids from now on.

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

async function list(sku: string, id: number): Promise<void> {
  const listings = [{ sku, storeId: 'main', externalIds: { id } }];
  const put = await putListings(rig.db, { merchantId, channelId: 'shop', listings });
  expect(put.ok).toBe(true);
}

/** What the channel was told, call by call. */
const told = (): unknown[] =>
  vendor.journal.map(({ request }) => (JSON.parse(request.body) as { changes: unknown }).changes);

test('is told its figure, although the stock did not change', async () => {
  const jobs = await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.setLevel('A', 5);
  await rig.settled();
  for (const id of [1, 2]) {
    await list('A', id);
    jobs.wakeChannels();
    await waitFor(() => vendor.journal.length === id + 1, { what: `the figure under ${id}` });
    await rig.settled();
  }
  // What it showed under the ids of before says nothing of what it shows under these.
  expect(told()).toEqual([5, 5, 5].map((quantity) => [{ id: 'A', quantity, from: null }]));
});

test('under the ids it has it is told nothing again', async () => {
  const jobs = await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await list('A', 1);
  await rig.setLevel('A', 5);
  await rig.settled();
  await list('A', 1);
  jobs.wakeChannels();
  await rig.setLevel('B', 1);
  await waitFor(() => vendor.state.shown['B'] === 1, { what: 'what came after' });
  await rig.settled();
  expect(told().flat()).toEqual([
    { id: 'A', quantity: 5, from: null },
    { id: 'B', quantity: 1, from: null },
  ]);
});
