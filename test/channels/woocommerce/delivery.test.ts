import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { startStore, type Store } from '../../../emulators/woocommerce/store.ts';
import { putListings } from '../../../src/channels/index.ts';
import { DeliveryRig, merchantId, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unkindly } from '../unkindly.ts';
import { skus } from './store-rig.ts';

let rig: DeliveryRig;
let store: Store | undefined;

beforeEach(async () => {
  rig = await DeliveryRig.open();
});

afterEach(async () => {
  await rig.close();
  await store?.server.stop();
});

async function connect(vendor: Store, names: readonly string[]): Promise<void> {
  const { config, credentials } = vendor;
  await rig.connectVendor(vendor.server, 'shop', { kind: 'woocommerce', config, credentials });
  const listings = names.map((sku) => ({ storeId: 'main', sku, externalIds: vendor.idsOf(sku) }));
  const result = await putListings(rig.db, { merchantId, channelId: 'shop', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

test('5,000 changes of 500 SKUs reach the shop exactly, whatever fails on the way', async () => {
  // 400 products, and 100 variations of ten others.
  const variations = Array.from({ length: 100 }, (_, i) => `v${i}`);
  const variable = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => {
      const own = variations.slice(i * 10, i * 10 + 10);
      return [`P${i}`, Object.fromEntries(own.map((sku) => [sku, 0]))];
    }),
  );
  const simple = Object.keys(skus(400, 0));
  const names = variations.flatMap((sku, i) => [sku, ...simple.slice(i * 4, i * 4 + 4)]);
  const vendor = await startStore({
    seed: { skus: skus(400, 0), variable },
    faults: new FaultPlan(unkindly, 11),
  });
  store = vendor;
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect(vendor, names);
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
  expect(Object.fromEntries(names.map((sku) => [sku, vendor.stockOf(sku)]))).toEqual(stock);
  const wentBack = names.filter((sku) =>
    vendor.history(sku).some(({ from, to }) => to < (from ?? 0)),
  );
  expect(wentBack).toEqual([]);
  const failed = vendor.server.journal.filter(({ fault }) => fault !== undefined);
  expect(failed.length).toBeGreaterThan(20);
});

test('a shop that counts no stock is a dead letter that says so, sent again later', async () => {
  const vendor = await startStore({ seed: { skus: { A: 0, B: 0 } } });
  store = vendor;
  vendor.state.managesStock = false;
  await rig.start();
  await connect(vendor, ['A', 'B']);
  await rig.setLevel('A', 5);
  await rig.settled();
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.status).toBe('dead');
  expect(delivery?.attempts.at(-1)).toMatchObject({ errorCode: 'manage_stock_off' });
  vendor.state.managesStock = true;
  await rig.setLevel('A', 6);
  await rig.settled();
  expect(vendor.stockOf('A')).toBe(6);
});
