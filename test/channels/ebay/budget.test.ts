import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccount, type Account } from '../../../emulators/ebay/account.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import {
  listListings,
  pauseListing,
  putListings,
  type ListingView,
} from '../../../src/channels/index.ts';
import { DeliveryRig, merchantId, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';

// Each listing has 20 revisions a day here: 10 go out as they come, 8 are spread, 2 are for 0.

const perDay = 20;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

let rig: DeliveryRig;
let account: Account;

beforeEach(async () => {
  rig = await DeliveryRig.open();
  // Noon, whatever the time is.
  const sinceNoonMs = (Date.now() - 12 * hourMs) % dayMs;
  rig.clock.offsetMs = dayMs - sinceNoonMs;
  account = await startAccount({
    seed: { skus: { A: 1, B: 1 }, variations: [{ V0: 1, V1: 1 }] },
    now: () => Date.now() + rig.clock.offsetMs,
  });
  account.state.revisionsPerDay = perDay;
  account.state.dayTimeZone = 'UTC';
});

afterEach(async () => {
  await rig.close();
  await account.server.stop();
  expect(account.state.overspent).toEqual([]);
});

async function connect(): Promise<void> {
  const config = { ...account.config, revisionsPerDay: perDay, dayTimeZone: 'UTC' };
  const { credentials } = account;
  await rig.connectVendor(account.server, 'shop', { kind: 'ebay', config, credentials });
  const listings = ['A', 'B', 'V0', 'V1'].map((sku) => {
    return { storeId: 'main', sku, externalIds: account.idsOf(sku) };
  });
  const result = await putListings(rig.db, { merchantId, channelId: 'shop', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

/** Changes a level so often, each change a revision where the budget allows it. */
async function changeOften(sku: string, times: number, from: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await rig.setLevel(sku, from + i);
    await rig.settled();
  }
}

function revised(sku: string): number {
  return account.history(sku).length - 1;
}

async function listing(sku: string): Promise<ListingView | undefined> {
  const found = await listListings(rig.db, { merchantId, channelId: 'shop', sku, limit: 1 });
  return found.ok ? found.value.items[0] : undefined;
}

test('what is revised too often waits, is told 0 at once, and the newest in time', async () => {
  await rig.start();
  await connect();
  await changeOften('A', 15, 10);
  expect(revised('A')).toBe(10);
  expect(account.shownOf('A')).toBe(19);
  const waiting = await listing('A');
  expect(waiting).toMatchObject({ state: 'waiting', pending: true, publishedQuantity: 19 });
  // 8 until midnight.
  const until = Date.parse(waiting?.waitsUntil ?? '') - Date.now() - rig.clock.offsetMs;
  expect(until).toBeGreaterThan(1.2 * hourMs);
  expect(until).toBeLessThan(1.6 * hourMs);
  // Nobody else waits with it.
  await changeOften('B', 1, 30);
  expect(account.shownOf('B')).toBe(30);
  await rig.setLevel('A', 0);
  await rig.settled();
  expect(account.shownOf('A')).toBe(0);
  expect(await listing('A')).toMatchObject({ state: 'idle', waitsUntil: null });
  await changeOften('A', 3, 40);
  expect(account.shownOf('A')).toBe(0);
  rig.clock.offsetMs += 2 * hourMs;
  await waitFor(() => account.shownOf('A') === 42, { what: 'the newest figure' });
  await rig.settled();
  expect(revised('A')).toBe(12);
});

test('when all is spent nothing is sent before the day turns, by no process', async () => {
  const first = await rig.start();
  await connect();
  await changeOften('A', 10, 10);
  // In the spread part one revision goes out every hour and a half.
  for (let i = 0; i < 8; i += 1) {
    rig.clock.offsetMs += 1.45 * hourMs;
    await rig.setLevel('A', 50 + i);
    await rig.settled();
  }
  expect(revised('A')).toBe(18);
  await rig.setLevel('A', 0);
  await rig.settled();
  await rig.stop(first);
  await Promise.all([rig.start(), rig.start()]);
  await changeOften('A', 3, 70);
  await rig.setLevel('A', 0);
  await rig.settled();
  expect(revised('A')).toBe(19);
  expect(account.shownOf('A')).toBe(0);
  await changeOften('A', 3, 80);
  expect(await listing('A')).toMatchObject({ state: 'waiting', publishedQuantity: 0 });
  expect(account.shownOf('A')).toBe(0);
  rig.clock.offsetMs += 0.75 * hourMs;
  await waitFor(() => account.shownOf('A') === 82, { what: 'the figure of the next day' });
});

test('a revision whose answer was lost counts, one that was turned away does not', async () => {
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect();
  const route = 'bulk_update';
  const busy = { kind: 'status', status: 429, headers: { 'retry-after': '0' } } as const;
  account.server.faults = new FaultPlan([{ route, share: 0.7, fault: busy }], 5);
  await changeOften('A', 10, 10);
  expect(revised('A')).toBe(10);
  account.server.faults = new FaultPlan([{ route, share: 0.5, fault: { kind: 'reset_after' } }], 5);
  await changeOften('B', 12, 10);
  expect(revised('B')).toBe(10);
  expect(await listing('B')).toMatchObject({ state: 'waiting' });
});

test('variations share the revisions of their listing', async () => {
  await rig.start();
  await connect();
  await changeOften('V0', 7, 10);
  await changeOften('V1', 7, 10);
  expect([revised('V0'), revised('V1')]).toEqual([7, 3]);
});

test('a SKU that the operator pauses is shown with 0 though it waits', async () => {
  await rig.start();
  await connect();
  await changeOften('A', 12, 10);
  expect(await listing('A')).toMatchObject({ state: 'waiting' });
  await pauseListing(rig.db, { merchantId, channelId: 'shop', sku: 'A', storeId: 'main' }, true);
  await waitFor(() => account.shownOf('A') === 0, { what: '0' });
});
