import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { startSeller, type Seller } from '../../../emulators/square/seller.ts';
import { addFact } from '../../../emulators/square/state.ts';
import { putListings } from '../../../src/channels/index.ts';
import { DeliveryRig, merchantId, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unkindly } from '../unkindly.ts';
import { skus } from './seller-rig.ts';

let rig: DeliveryRig;
let seller: Seller | undefined;

beforeEach(async () => {
  rig = await DeliveryRig.open();
});

afterEach(async () => {
  await rig.close();
  await seller?.server.stop();
});

async function connect(vendor: Seller, names: readonly string[]): Promise<void> {
  const { config, credentials } = vendor;
  await rig.connectVendor(vendor.server, 'till', { kind: 'square', config, credentials });
  const listings = names.map((sku) => ({ storeId: 'main', sku, externalIds: vendor.idsOf(sku) }));
  const result = await putListings(rig.db, { merchantId, channelId: 'till', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

type DriftRow = { readonly sku: string; readonly expected: number; readonly observed: number };

async function drifts(): Promise<readonly DriftRow[]> {
  const { rows } = await rig.inspector.query<DriftRow>(
    'select sku, expected::integer, observed::integer from drift order by drift_id',
  );
  return rows;
}

test('5,000 changes of 500 SKUs reach Square exactly, whatever fails on the way', async () => {
  const names = Object.keys(skus(500, 0));
  const vendor = await startSeller({
    seed: { skus: skus(500, 0) },
    faults: new FaultPlan(unkindly, 11),
  });
  seller = vendor;
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
  // Neither what was counted nor the time it is of ever goes back.
  const wentBack = names.filter((sku) =>
    vendor.history(sku).some((fact, i, all) => {
      const before = all[i - 1];
      if (before === undefined) return false;
      return fact.quantity <= before.quantity || fact.occurredAt <= before.occurredAt;
    }),
  );
  expect(wentBack).toEqual([]);
  expect(vendor.state.mismatches).toEqual([]);
  expect(vendor.state.invalid).toEqual([]);
  const repeats = Object.values(vendor.state.keys).filter((key) => key.repeats > 0);
  expect(repeats.length).toBeGreaterThan(3);
  const failed = vendor.server.journal.filter(({ fault }) => fault !== undefined);
  expect(failed.length).toBeGreaterThan(10);
  expect(await drifts()).toEqual([]);
});

test('what was counted there by hand is drift, and ours is counted over it', async () => {
  const vendor = await startSeller({ seed: { skus: { A: 0 } } });
  seller = vendor;
  await rig.start();
  await connect(vendor, ['A']);
  await rig.setLevel('A', 10);
  await rig.settled();
  // After our figure was read, and before it arrives.
  vendor.beforeChange = () => {
    const occurredAt = Date.now() + 5;
    vendor.beforeChange = () => undefined;
    addFact(vendor.state, 'V1', 'L1', {
      kind: 'count',
      quantity: 4,
      occurredAt,
      by: 'staff',
      key: null,
    });
  };
  await rig.change('A', 2);
  await rig.settled();
  expect(vendor.stockOf('A')).toBe(12);
  expect(await drifts()).toEqual([{ sku: 'A', expected: 10, observed: 4 }]);
});
