import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccount, type Account } from '../../../emulators/ebay/account.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { putListings } from '../../../src/channels/index.ts';
import { DeliveryRig, merchantId, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unkindly } from '../unkindly.ts';
import { skus } from './account-rig.ts';

let rig: DeliveryRig;
let account: Account | undefined;

beforeEach(async () => {
  rig = await DeliveryRig.open();
});

afterEach(async () => {
  await rig.close();
  await account?.server.stop();
});

async function connect(
  vendor: Account,
  names: readonly string[],
  settings: Record<string, unknown> = {},
): Promise<void> {
  const { credentials } = vendor;
  const config = { ...vendor.config, ...settings };
  await rig.connectVendor(vendor.server, 'shop', { kind: 'ebay', config, credentials });
  const listings = names.map((sku) => ({ storeId: 'main', sku, externalIds: vendor.idsOf(sku) }));
  const result = await putListings(rig.db, { merchantId, channelId: 'shop', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

test('5,000 changes of 500 SKUs reach eBay exactly, whatever fails on the way', async () => {
  const names = Object.keys(skus(500, 0));
  const vendor = await startAccount({
    seed: { skus: skus(500, 0) },
    faults: new FaultPlan(unkindly, 11),
  });
  account = vendor;
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
  expect(Object.fromEntries(names.map((sku) => [sku, vendor.shownOf(sku)]))).toEqual(stock);
  const wentBack = names.filter((sku) =>
    vendor.history(sku).some((fact, i, all) => fact.quantity < (all[i - 1]?.quantity ?? 0)),
  );
  expect(wentBack).toEqual([]);
  expect(vendor.state.invalid).toEqual([]);
  expect(vendor.state.overspent).toEqual([]);
  const failed = vendor.server.journal.filter(({ fault }) => fault !== undefined);
  expect(failed.length).toBeGreaterThan(20);
});

test('an account that takes no 0 is a dead letter that says so, sent again later', async () => {
  const vendor = await startAccount({ seed: { skus: { A: 5 } } });
  account = vendor;
  vendor.state.outOfStockControl = false;
  await rig.start();
  await connect(vendor, ['A']);
  await rig.setLevel('A', 0);
  await rig.settled();
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.status).toBe('dead');
  expect(delivery?.attempts.at(-1)).toMatchObject({ errorCode: 'zero_refused', httpStatus: 200 });
  await connect(vendor, ['A'], { zeroHandling: 'withdraw' });
  await rig.setLevel('A', 3);
  await rig.settled();
  expect(vendor.shownOf('A')).toBe(3);
  await rig.setLevel('A', 0);
  await rig.settled();
  expect(vendor.shownOf('A')).toBe(0);
  await rig.setLevel('A', 2);
  await rig.settled();
  expect(vendor.shownOf('A')).toBe(2);
});

test('where the seller has withdrawn consent the channel is paused', async () => {
  const vendor = await startAccount({ seed: { skus: { A: 5 } } });
  account = vendor;
  await rig.start();
  await connect(vendor, ['A']);
  await rig.setLevel('A', 4);
  await rig.settled();
  vendor.state.refreshToken = 'renewed';
  for (const token of Object.keys(vendor.state.tokens)) vendor.state.tokens[token] = 0;
  await rig.setLevel('A', 3);
  const pausedWith = async (): Promise<string | null> => {
    const { rows } = await rig.inspector.query<{ pause_reason: string | null }>(
      'select pause_reason from channel',
    );
    return rows[0]?.pause_reason ?? null;
  };
  await waitFor(async () => (await pausedWith()) !== null, { what: 'the pause' });
  expect(await pausedWith()).toContain('consent');
  expect(vendor.shownOf('A')).toBe(4);
});
