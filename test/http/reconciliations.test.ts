import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { waitFor } from '../support/wait-for.ts';
import { openReconciliationRig, type ReconciliationRig } from '../reconciliation/rig.ts';
import { vendors, type TestVendor } from '../reconciliation/vendors.ts';

// Runs over the API, which runs in a process of its own beside the one that reconciles.

let rig: ReconciliationRig;
let vendor: TestVendor;
let app: TestApp;

beforeAll(async () => {
  rig = await openReconciliationRig();
  const found = await vendors['woocommerce']?.({ A: 0, B: 0 });
  if (found === undefined) throw new Error('no vendor');
  vendor = found;
  app = await startTestApp({ through: () => Promise.resolve(rig.rig.database.connectionString) });
  await Promise.all(['A', 'B'].map((sku) => rig.rig.setLevel(sku, 10)));
  await rig.start();
  await vendor.connect(rig.rig, 'shop');
  await rig.rig.settled();
});

afterAll(async () => {
  await rig.close();
  await vendor.stop();
  await app.close();
});

test('a run is asked for and shown, and its drifts are listed as JSON and as CSV', async () => {
  vendor.setByHand('A', 12);
  vendor.setByHand('B', 40);
  const asked = await app.call('POST', '/api/reconciliations', { body: { channelId: 'shop' } });
  expect(asked.status).toBe(202);
  const id = asked.get('reconciliationId');
  const run = await waitFor(
    async () => {
      const shown = await app.call('GET', `/api/reconciliations/${id}`);
      return shown.body['status'] === 'finished' ? shown.body : undefined;
    },
    { what: 'the end of the run' },
  );
  expect(run).toMatchObject({ compared: 2, drifts: 2, settled: 1, pending: 1, inFlight: 0 });
  const listed = await app.call('GET', `/api/drifts?channelId=shop&reconciliationId=${id}`);
  expect(listed.list()).toHaveLength(2);
  const [pending] = (await app.call('GET', '/api/drifts?status=pending')).list();
  expect(pending).toMatchObject({ sku: 'B', expected: 10, observed: 40, cause: 'channel_changed' });
  const headers = { accept: 'text/csv' };
  const csv = await app.call('GET', '/api/drifts?channelId=shop&limit=1', { headers });
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(csv.text).toMatch(/^driftId,sku,storeId,.*\r\ndrf_\w+,/);
  const next = csv.headers.get('x-next-cursor') ?? '';
  const rest = await app.call('GET', `/api/drifts?channelId=shop&cursor=${next}`, { headers });
  expect(rest.text.split('\r\n')).toHaveLength(3);
  expect(rest.headers.get('x-next-cursor')).toBeNull();
  const path = `/api/drifts/${String(pending?.['driftId'])}/approve`;
  expect(await app.call('POST', path)).toMatchObject({ body: { status: 'settling' } });
  await waitFor(() => vendor.shown('B') === 10, { what: 'our figure' });
});

test('a run of what is not there is refused', async () => {
  const channel = await app.call('POST', '/api/reconciliations', { body: { channelId: 'no' } });
  expect(channel).toMatchObject({ status: 404, body: { code: 'CHANNEL.NOT_FOUND' } });
  const source = await app.call('POST', '/api/reconciliations', { body: { sourceId: 'no' } });
  expect(source).toMatchObject({ status: 404, body: { code: 'SOURCE.NOT_FOUND' } });
  const run = await app.call('GET', '/api/reconciliations/rec_0');
  expect(run).toMatchObject({ status: 404, body: { code: 'RECONCILIATION.NOT_FOUND' } });
});
