import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeliveryRig } from '../jobs/delivery-rig.ts';
import { vendors, type TestVendor } from '../reconciliation/vendors.ts';
import { run } from './run.ts';

let rig: DeliveryRig;
let vendor: TestVendor;

beforeAll(async () => {
  rig = await DeliveryRig.open();
  const found = await vendors['woocommerce']?.({ A: 0, B: 0 });
  if (found === undefined) throw new Error('no vendor');
  vendor = found;
  await Promise.all(['A', 'B'].map((sku) => rig.setLevel(sku, 10)));
  const jobs = await rig.start();
  await vendor.connect(rig, 'shop');
  await rig.settled();
  await rig.stop(jobs);
});

afterAll(async () => {
  await rig.close();
  await vendor.stop();
});

const onhand = (...args: string[]) =>
  run(rig.database.connectionString, args, { env: { ENCRYPTION_KEY: '11'.repeat(32) } });

test('drift is found, settled, listed and decided on from the command line', async () => {
  vendor.setByHand('A', 12);
  vendor.setByHand('B', 30);
  // No service runs: the command does the work itself.
  const first = await onhand('reconcile', '--channel', 'shop');
  expect(first).toMatchObject({ code: 1 });
  expect(first.stdout).toMatch(/shop +- +finished +2 +0 +0 +2/);
  expect(first.stdout).toContain('2 compared, 2 drifts: 1 settled, 1 waiting');
  expect(first.stdout).toContain('the ledger adds up');
  expect(first.stderr).toContain('reconcile: 2');
  expect([vendor.shown('A'), vendor.shown('B')]).toEqual([10, 30]);

  const listed = await onhand('drifts', 'list', '--status', 'pending', '--json');
  const [drift] = JSON.parse(listed.stdout) as [{ driftId: string; observed: number }];
  expect(drift.observed).toBe(30);
  const csv = await onhand('drifts', 'list', '--csv');
  expect(csv.stdout.split('\r\n')).toHaveLength(4);
  expect(csv.stdout).toContain(`${drift.driftId},B,main,shop,,,10,30,-20,channel_changed,`);

  expect(await onhand('drifts', 'approve', drift.driftId)).toMatchObject({
    code: 0,
    stdout: `${drift.driftId} settling\n`,
  });
  expect(await onhand('drifts', 'ignore', drift.driftId)).toMatchObject({ code: 2 });
  const second = await onhand('reconcile', '--json');
  expect(JSON.parse(second.stdout)).toMatchObject({ status: 'finished', drifts: 0 });
  expect(await onhand('reconcile', '--channel', 'nobody')).toMatchObject({ code: 2 });
});
