import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig } from '../jobs/delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from '../jobs/fake-vendor.ts';

// Drift that waits for somebody: what the API says of it and does about it. The API runs in a
// process of its own, beside the one that delivers.

let rig: DeliveryRig;
let vendor: Vendor;
let app: TestApp;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
  app = await startTestApp({
    through: () => Promise.resolve(rig.database.connectionString),
    services: { adapters: rig.adapters, secretBox: rig.secretBox },
  });
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { driftPolicy: 'hold' });
  await rig.setLevel('A', 10);
  await rig.settled();
  vendor.state.shown['A'] = 7;
  await rig.setLevel('A', 12);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
  await app.close();
});

const pending = (): Promise<Record<string, unknown>> =>
  waitFor(
    async () => (await app.call('GET', '/api/drifts?status=pending&channelId=shop')).list()[0],
    { what: 'the drift' },
  );

test('an approved drift is settled with our figure', async () => {
  const drift = await pending();
  expect(drift).toMatchObject({
    sku: 'A',
    storeId: 'main',
    channelId: 'shop',
    sourceId: null,
    expected: 10,
    observed: 7,
    units: 3,
    cause: 'channel_changed',
    action: 'send_ours',
    status: 'pending',
  });
  expect((await app.call('GET', '/api/channels/shop/listings')).list()).toMatchObject([
    { state: 'held', pending: true, publishedQuantity: 7 },
  ]);
  const path = `/api/drifts/${String(drift['driftId'])}`;
  const approved = await app.call('POST', `${path}/approve`);
  expect(approved).toMatchObject({ status: 200, body: { status: 'settling' } });
  await waitFor(() => vendor.state.shown['A'] === 12, { what: 'our figure' });
  await rig.settled();
  expect((await app.call('GET', '/api/drifts')).list()).toMatchObject([{ status: 'settled' }]);
  const again = await app.call('POST', `${path}/ignore`);
  expect(again).toMatchObject({
    status: 409,
    body: { code: 'DRIFT.NOT_PENDING', driftStatus: 'settled' },
  });
});

test('an ignored drift leaves the figure until the level changes', async () => {
  const drift = await pending();
  const path = `/api/drifts/${String(drift['driftId'])}`;
  const ignored = await app.call('POST', `${path}/ignore`);
  expect(ignored).toMatchObject({ status: 200, body: { status: 'ignored' } });
  await rig.setLevel('B', 1);
  await waitFor(() => vendor.state.shown['B'] === 1, { what: 'another' });
  expect(vendor.state.shown['A']).toBe(7);
  expect((await app.call('GET', '/api/channels/shop/listings?sku=A')).list()).toMatchObject([
    { state: 'idle', pending: false, publishedQuantity: 7 },
  ]);
  await rig.setLevel('A', 13);
  await rig.settled();
  expect(vendor.state.shown['A']).toBe(13);
  // The next change starts from the figure that was left: no drift.
  expect((await app.call('GET', '/api/drifts')).list()).toHaveLength(1);
});

test('a drift that is not there is not found', async () => {
  const answer = await app.call('POST', '/api/drifts/drf_none/approve');
  expect(answer).toMatchObject({ status: 404, body: { code: 'DRIFT.NOT_FOUND' } });
});

test('a channel says whether it takes its credentials', async () => {
  const well = await app.call('POST', '/api/channels/shop/verify');
  expect(well).toMatchObject({ status: 200, body: { isAccepted: true, code: null } });
  await vendor.stop();
  const away = await app.call('POST', '/api/channels/shop/verify');
  expect(away).toMatchObject({ status: 200, body: { isAccepted: false, code: 'network' } });
  await vendor.restart();
});
