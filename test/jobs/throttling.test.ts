import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

// A channel that wants us to be slower gets what it wants, and loses nothing by it.

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([
    DeliveryRig.open(vendorAdapter({ maxBatch: 1 })),
    startVendor(),
  ]);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

const times = (): readonly number[] => vendor.journal.map(({ at }) => at.getTime());
const gaps = (): readonly number[] =>
  times().flatMap((at, index) => (index === 0 ? [] : at - (times()[index - 1] ?? 0)));

test('throttled calls spend no attempt and leave the circuit closed', async () => {
  const codes: string[] = [];
  const jobs = await rig.start({ events: { onThrottled: ({ code }) => codes.push(code) } });
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 2 });
  vendor.state.throttled = 6;
  await rig.setLevel('A', 5);
  await waitFor(() => vendor.state.throttled < 3, { what: 'throttled calls' });
  expect(jobs.circuits()).toEqual({ 'default/shop': 'closed' });
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 5 });
  expect(codes).toHaveLength(6);
  for (const gap of gaps()) expect(gap).toBeGreaterThanOrEqual(95);
  const [delivery] = await rig.deliveries('shop');
  expect(delivery?.attempts).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
});

test('by its own figures the next call waits, though nothing failed', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B', 'C', 'D', 'E'].map((sku) => rig.setLevel(sku, 1)));
  vendor.state.nextCallInMs = 150;
  await rig.connectVendor(vendor, 'shop');
  await rig.settled();
  expect(Object.keys(vendor.state.shown)).toHaveLength(5);
  // Until the first answer nobody knows, and as many calls go out as there are places for.
  for (const gap of gaps().slice(3)) expect(gap).toBeGreaterThanOrEqual(145);
});

test('where calls have a cost, no call goes out before the last one’s is known', async () => {
  await rig.close();
  rig = await DeliveryRig.open(
    vendorAdapter({ maxBatch: 1, capabilities: { rateModel: 'cost', idempotency: 'none' } }),
  );
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B', 'C', 'D', 'E'].map((sku) => rig.setLevel(sku, 1)));
  vendor.state.nextCallInMs = 150;
  await rig.connectVendor(vendor, 'shop');
  await rig.settled();
  expect(gaps()).toHaveLength(4);
  for (const gap of gaps()) expect(gap).toBeGreaterThanOrEqual(145);
});

test('a listing waits as long as the channel wants, and no other with it', async () => {
  await rig.close();
  rig = await DeliveryRig.open(vendorAdapter());
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B'].map((sku) => rig.setLevel(sku, 1)));
  vendor.state.instead = {
    A: [{ kind: 'retry', code: 'revisions_spent', retryAfterMs: 2_000 }],
    B: [{ kind: 'retry', code: 'busy' }],
  };
  await rig.connectVendor(vendor, 'shop');
  await waitFor(() => vendor.state.shown['B'] === 1, { what: 'B' });
  expect(vendor.state.shown['A']).toBeUndefined();
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 1, B: 1 });
  const [first, ...later] = vendor.journal;
  const ofA = later.find(({ request }) => request.body.includes('"A"'));
  expect((ofA?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(1_990);
});

test('listings that the channel throttles spend no attempt, and others do', async () => {
  await rig.close();
  rig = await DeliveryRig.open(vendorAdapter());
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  await Promise.all(['A', 'B'].map((sku) => rig.setLevel(sku, 1)));
  const throttled = { kind: 'retry', code: 'quota_exceeded', isThrottled: true } as const;
  const busy = { kind: 'retry', code: 'busy' } as const;
  vendor.state.instead = {
    A: Array.from({ length: 5 }, () => throttled),
    B: Array.from({ length: 5 }, () => busy),
  };
  await rig.connectVendor(vendor, 'shop', { maxAttempts: 2 });
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 1 });
  const dead = (await rig.deliveries('shop')).filter(({ status }) => status === 'dead');
  expect(dead.flatMap(({ attempts }) => attempts.at(-1)?.errorCode)).toEqual(['busy']);
});

test('a call that ended before its end tells that the channel is busy, or fails', async () => {
  const codes: string[] = [];
  const jobs = await rig.start({
    events: { onThrottled: ({ code }) => codes.push(code) },
    breaker: { threshold: 0.5, cooldownMs: 60_000 },
  });
  await rig.connectVendor(vendor, 'shop');
  vendor.state.failure = { code: 'quota_exceeded', scope: 'channel', isThrottled: true };
  await rig.setLevel('A', 5);
  await rig.settled();
  expect(codes).toEqual(['quota_exceeded']);
  expect(jobs.circuits()).toEqual({ 'default/shop': 'closed' });
  vendor.state.failure = { code: 'http_502', scope: 'channel' };
  await rig.setLevel('A', 6);
  await rig.settled();
  expect(jobs.circuits()).toEqual({ 'default/shop': 'half-open' });
  vendor.state.failure = null;
  await rig.setLevel('A', 7);
  await rig.settled();
  expect(jobs.circuits()).toEqual({ 'default/shop': 'closed' });
  expect(vendor.state.shown).toEqual({ A: 7 });
});
