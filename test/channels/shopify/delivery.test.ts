import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { startShop, type Shop, type ShopOptions } from '../../../emulators/shopify/shop.ts';
import { DeliveryRig, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unkindly } from './faults.ts';
import { connectShop, deadListings, driftsOf, sellThere } from './shop-channel.ts';
import { skus } from './shop-rig.ts';

let rig: DeliveryRig;
let shop: Shop | undefined;

beforeEach(async () => {
  rig = await DeliveryRig.open();
});

afterEach(async () => {
  await rig.close();
  await shop?.server.stop();
});

async function open(options: ShopOptions): Promise<Shop> {
  shop = await startShop(options);
  return shop;
}

const patient = { ...quickRetry, maxAttempts: 100 };

test('5,000 changes of 500 SKUs reach the shop exactly, whatever fails on the way', async () => {
  const names = Object.keys(skus(500, 0));
  const vendor = await open({
    seed: { skus: skus(500, 0), bucket: { capacity: 2_000, restoreRate: 1_000 } },
    faults: new FaultPlan(unkindly, 11),
  });
  await rig.start({ retry: patient });
  await connectShop(rig, vendor, names);
  for (let round = 0; round < 100; round += 1) {
    const calls = vendor.server.journal.length;
    // More each time: what went back would show as a smaller figure after a larger one.
    const from = (round % 10) * 50;
    const some = names.slice(from, from + 50);
    await Promise.all(some.map((sku, i) => rig.change(sku, 1 + ((i + round) % 3))));
    await waitFor(() => vendor.server.journal.length > calls, { what: 'the next call' });
  }
  await rig.settled(60_000);
  const stock = await rig.stock();
  expect(Object.keys(stock)).toHaveLength(500);
  const shown = Object.fromEntries(names.map((sku) => [sku, vendor.available(sku)]));
  expect(shown).toEqual(stock);
  const wentBack = names.filter((sku) => vendor.history(sku).some(({ from, to }) => to <= from));
  expect(wentBack).toEqual([]);
  expect(vendor.state.mismatches).toEqual([]);
  const repeats = Object.values(vendor.state.keys).filter((key) => key.repeats > 0);
  expect(repeats.length).toBeGreaterThan(3);
  const failed = vendor.server.journal.filter(({ fault }) => fault !== undefined);
  expect(failed.length).toBeGreaterThan(10);
  // What was done and not answered is ours, and no drift.
  expect(await driftsOf(rig)).toEqual([]);
  expect(await deadListings(rig)).toBe(0);
});

test('250 changed SKUs are one mutation, and the bucket is never found too low', async () => {
  const names = Object.keys(skus(250, 0));
  // Enough for two calls; then one every 60 ms.
  const bucket = { capacity: 30, restoreRate: 200 };
  const vendor = await open({ seed: { skus: skus(250, 0), bucket } });
  for (const sku of names) await rig.setLevel(sku, 5);
  await connectShop(rig, vendor, names);
  await rig.start();
  await rig.settled();
  expect(vendor.server.journal).toHaveLength(1);
  for (let i = 0; i < 40; i += 1) {
    const calls = vendor.server.journal.length;
    await rig.change(`S${i}`, 1);
    await waitFor(() => vendor.server.journal.length > calls, { what: 'the next call' });
  }
  await rig.settled();
  expect(vendor.state.throttled).toBe(0);
  const shown = Object.fromEntries(names.map((sku) => [sku, vendor.available(sku)]));
  expect(shown).toEqual(await rig.stock());
});

test('a quantity changed behind our back is drift, and ours is sent over it', async () => {
  const vendor = await open({ seed: { skus: skus(3, 0) } });
  await rig.start();
  await connectShop(rig, vendor, ['S0', 'S1', 'S2']);
  await Promise.all(['S0', 'S1', 'S2'].map((sku) => rig.setLevel(sku, 10)));
  await rig.settled();
  vendor.setByHand('S1', 4);
  await Promise.all(['S0', 'S1', 'S2'].map((sku) => rig.change(sku, 2)));
  await rig.settled();
  expect(['S0', 'S1', 'S2'].map((sku) => vendor.available(sku))).toEqual([12, 12, 12]);
  expect(await driftsOf(rig)).toEqual([
    { sku: 'S1', status: 'settled', expected: 10, observed: 4 },
  ]);
});

test('where drift waits for somebody, the other rows of its call do not', async () => {
  const vendor = await open({ seed: { skus: skus(3, 0) } });
  await rig.start();
  await connectShop(rig, vendor, ['S0', 'S1', 'S2'], { driftPolicy: 'hold' });
  await Promise.all(['S0', 'S1', 'S2'].map((sku) => rig.setLevel(sku, 10)));
  await rig.settled();
  vendor.setByHand('S1', 4);
  await Promise.all(['S0', 'S1', 'S2'].map((sku) => rig.change(sku, 2)));
  await rig.settled();
  expect(['S0', 'S1', 'S2'].map((sku) => vendor.available(sku))).toEqual([12, 4, 12]);
  expect(await driftsOf(rig)).toMatchObject([{ sku: 'S1', status: 'pending' }]);
});

test('a sale there that we know of and a change that we do not are settled together', async () => {
  const vendor = await open({ seed: { skus: skus(1, 0) } });
  const jobs = await rig.start();
  await connectShop(rig, vendor, ['S0']);
  await rig.setLevel('S0', 10);
  await rig.settled();
  await rig.stop(jobs);
  // Two are sold there and told; one more goes by hand; here three come in.
  vendor.setByHand('S0', 8);
  await sellThere(rig, 'S0', -2);
  vendor.setByHand('S0', 7);
  await rig.change('S0', 3);
  await rig.start();
  await rig.settled();
  expect(vendor.available('S0')).toBe(11);
  expect(await driftsOf(rig)).toEqual([{ sku: 'S0', status: 'settled', expected: 8, observed: 7 }]);
  expect(await deadListings(rig)).toBe(0);
});

test('one SKU that keeps changing there does not wear out the others of its call', async () => {
  const names = Object.keys(skus(50, 0));
  const vendor = await open({ seed: { skus: skus(50, 0) } });
  const jobs = await rig.start();
  await connectShop(rig, vendor, names, { maxAttempts: 3 });
  await Promise.all(names.map((sku) => rig.setLevel(sku, 10)));
  await rig.settled();
  await rig.stop(jobs);
  await Promise.all(names.map((sku) => rig.change(sku, 5)));
  // It moves between any two calls.
  const hot = vendor.idsOf('S0').inventoryItemId;
  vendor.beforeMutation = (ids) => {
    if (ids.includes(hot)) vendor.setByHand('S0', (vendor.available('S0') ?? 0) - 1);
  };
  await rig.start();
  await rig.settled();
  expect(names.slice(1).map((sku) => vendor.available(sku))).toEqual(names.slice(1).map(() => 15));
  // It alone is given up, and can be seen.
  expect(await deadListings(rig)).toBe(1);
});
