import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccount, type Account } from '../../../emulators/amazon/account.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { createAmazonAdapter } from '../../../src/channels/amazon/adapter.ts';
import { putListings } from '../../../src/channels/index.ts';
import { DeliveryRig, merchantId, quickRetry } from '../../jobs/delivery-rig.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unkindly } from '../unkindly.ts';
import { skus } from './account-rig.ts';

/** Amazon's minutes are some hundredths of a second here. */
const waits = { feedMs: 40, shownMs: 20, otherMs: 400, unansweredMs: 500, acceptedMs: 2_000 };
const quickly = { speed: 200, patchMs: 20, feedQueueMs: 30, feedProcessMs: 60 };

let rig: DeliveryRig;
let account: Account | undefined;

beforeEach(async () => {
  rig = await DeliveryRig.open(createAmazonAdapter({ allowPrivateAddresses: true, waits }));
});

afterEach(async () => {
  await rig.close();
  await account?.server.stop();
});

async function connect(
  vendor: Account,
  names: readonly string[],
  batchWindowMs: number | null = null,
): Promise<void> {
  const { config, credentials } = vendor;
  const more = { kind: 'amazon', config, credentials, batchWindowMs };
  await rig.connectVendor(vendor.server, 'amazon', more);
  const listings = names.map((sku) => ({ storeId: 'main', sku, externalIds: { sku } }));
  const result = await putListings(rig.db, { merchantId, channelId: 'amazon', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

function wroteBy(vendor: Account, names: readonly string[], by: string): number {
  return names.filter((sku) => vendor.history(sku).some((write) => write.by === by)).length;
}

test('5,000 changes of 500 SKUs reach Amazon exactly, whatever fails on the way', async () => {
  const names = Object.keys(skus(500, 0));
  const vendor = await startAccount({
    ...quickly,
    seed: { skus: skus(500, 0) },
    faults: new FaultPlan(unkindly, 11),
    // Of the test's seconds: some of them see a token end.
    tokenSeconds: 62,
  });
  account = vendor;
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect(vendor, names, 20);
  let place = 0;
  // More each time: what went back would show as a smaller figure after a larger one.
  const change = async (count: number): Promise<void> => {
    const some = Array.from({ length: count }, (_, i) => names[(place + i) % 500] ?? '');
    place += count;
    await Promise.all(some.map((sku, i) => rig.change(sku, 1 + (i % 3))));
  };
  for (let round = 0; round < 198; round += 1) {
    const calls = vendor.server.journal.length;
    await change(round % 2 === 0 ? 40 : 10);
    await waitFor(() => vendor.server.journal.length > calls, { what: 'the next call' });
  }
  // Where nothing else is due, a few are patches.
  for (let round = 0; round < 5; round += 1) {
    await rig.settled(90_000);
    await change(10);
  }
  await rig.settled(90_000);
  expect(place).toBe(5_000);
  const stock = await rig.stock();
  expect(Object.keys(stock)).toHaveLength(500);
  expect(Object.fromEntries(names.map((sku) => [sku, vendor.stockOf(sku)]))).toEqual(stock);
  const wentBack = names.filter((sku) =>
    vendor.history(sku).some(({ quantity }, i, all) => quantity < (all[i - 1]?.quantity ?? 0)),
  );
  expect(wentBack).toEqual([]);
  expect(wroteBy(vendor, names, 'feed')).toBeGreaterThan(100);
  expect(wroteBy(vendor, names, 'patch')).toBeGreaterThanOrEqual(50);
  const { state, server } = vendor;
  expect([state.invalid, state.invalidAnswers, state.leaks]).toEqual([[], [], 0]);
  const failed = server.journal.filter(({ fault }) => fault !== undefined);
  expect(failed.length).toBeGreaterThan(50);
  const { rows } = await rig.inspector.query('select from accepted_operation');
  expect(rows).toEqual([]);
});

test('a few changes go out one by one, and a newer one waits until they are shown', async () => {
  const vendor = await startAccount({ ...quickly, patchMs: 300, seed: { skus: { A: 0 } } });
  account = vendor;
  await rig.start();
  await connect(vendor, ['A']);
  await rig.setLevel('A', 10);
  const patches = () => vendor.server.journal.filter(({ request }) => request.method === 'PATCH');
  await waitFor(() => patches().length > 0, { what: 'the first patch' });
  await rig.setLevel('A', 12);
  await rig.settled();
  expect(vendor.history('A').map(({ quantity }) => quantity)).toEqual([10, 12]);
  const [first, second] = patches();
  expect(patches()).toHaveLength(2);
  const gapMs = (second?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0);
  expect(gapMs).toBeGreaterThanOrEqual(300);
});

test('what a feed’s report refuses is a dead letter, and the others are shown', async () => {
  const names = Object.keys(skus(30, 0));
  const vendor = await startAccount({ ...quickly, seed: { skus: skus(30, 0) } });
  account = vendor;
  const listing = vendor.state.listings['S7'];
  if (listing !== undefined) listing.issue = '90220';
  await rig.start();
  // They wait for one another, so that they go out together.
  await Promise.all(names.map((sku) => rig.setLevel(sku, 5)));
  await connect(vendor, names, 200);
  await rig.settled();
  const others = names.filter((sku) => sku !== 'S7');
  expect(others.map((sku) => vendor.stockOf(sku))).toEqual(others.map(() => 5));
  expect(vendor.stockOf('S7')).toBe(0);
  expect(wroteBy(vendor, names, 'feed')).toBe(29);
  const dead = (await rig.deliveries('amazon')).filter(({ status }) => status === 'dead');
  expect(dead).toMatchObject([{ attempts: [{}, { errorCode: 'issue_90220' }] }]);
});

test('what is sold at Amazon meanwhile is drift, and ours is sent over it', async () => {
  const vendor = await startAccount({ ...quickly, patchMs: 500, seed: { skus: { A: 0 } } });
  account = vendor;
  await rig.start();
  await connect(vendor, ['A']);
  await rig.setLevel('A', 10);
  await rig.settled();
  await rig.setLevel('A', 8);
  await waitFor(() => vendor.state.submissions.length > 0, { what: 'the patch' });
  // Sold as soon as it is shown, before anybody looks.
  vendor.sellWhenShown('A', 3);
  await rig.settled();
  expect(vendor.history('A').map(({ by, quantity }) => [by, quantity])).toEqual([
    ['patch', 10],
    ['patch', 8],
    ['sale', 5],
    ['patch', 8],
  ]);
  const { rows } = await rig.inspector.query(
    'select sku, expected::integer, observed::integer from drift',
  );
  expect(rows).toEqual([{ sku: 'A', expected: 10, observed: 5 }]);
});

test('a feed whose answer is lost is repeated as it was, before anything newer', async () => {
  const names = Object.keys(skus(30, 0));
  const vendor = await startAccount({ ...quickly, seed: { skus: skus(30, 0) } });
  account = vendor;
  let isLost = false;
  let isNewer = false;
  vendor.server.faults.next = (method, path) => {
    // What comes after the loss waits until there are newer figures.
    if (isLost) return isNewer ? undefined : { kind: 'status', status: 503 };
    if (`${method} ${path}` !== 'POST /feeds/2021-06-30/feeds') return undefined;
    isLost = true;
    return { kind: 'reset_after' };
  };
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await Promise.all(names.map((sku) => rig.setLevel(sku, 5)));
  await connect(vendor, names, 200);
  await waitFor(() => isLost, { what: 'the feed' });
  await Promise.all(names.map((sku) => rig.setLevel(sku, 8)));
  isNewer = true;
  await rig.settled();
  const { documents, feeds } = vendor.state;
  const sent = Object.values(feeds).map(({ inputDocumentId: id }) => documents[id]?.content);
  expect(sent[1]).toBe(sent[0]);
  expect(sent[2]).not.toBe(sent[0]);
  expect(names.map((sku) => vendor.stockOf(sku))).toEqual(names.map(() => 8));
});

test('a channel has the time that its patches need, unless it says otherwise', async () => {
  const vendor = await startAccount(quickly);
  account = vendor;
  await connect(vendor, []);
  const timeoutMs = async (): Promise<unknown> => {
    const { rows } = await rig.inspector.query<{ timeout_ms: number }>(
      'select timeout_ms from channel',
    );
    return rows[0]?.timeout_ms;
  };
  // Twenty patches, five at once and five a second, with a second for each answer.
  expect(await timeoutMs()).toBeGreaterThanOrEqual(20 * 1_000 + 3_000);
  const { config, credentials } = vendor;
  const more = { kind: 'amazon', config, credentials, timeoutMs: 700 };
  await rig.connectVendor(vendor.server, 'amazon', more);
  expect(await timeoutMs()).toBe(700);
});
