import { afterEach, beforeEach, expect, test } from 'vitest';
import { listListings } from '../../src/channels/index.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/monitoring/index.ts';
import { reportEvents } from '../../src/jobs/index.ts';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

const tokens = (): (string | undefined)[] =>
  vendor.journal.map(({ request }) => request.headers['authorization']);

test('credentials are changed without a loss, and never logged', async () => {
  let log = '';
  const logger = createLogger('trace', { write: (line) => (log += line) });
  const retry = { baseMs: 20, maxMs: 100, multiplier: 2, maxAttempts: 100, deadLetters: true };
  await rig.start({ logger, retry, events: reportEvents(createMetrics(), logger) });
  const credentials = { token: 'first-secret' };
  await rig.connectVendor(vendor, 'shop', { credentials });
  await rig.setLevel('A', 1);
  await rig.settled();
  const listing = { merchantId, channelId: 'shop', limit: 10 };
  const before = await listListings(rig.db, listing);
  // A call is on its way, unanswered, when they are changed.
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await rig.setLevel('A', 2);
  await waitFor(() => vendor.state.shown['A'] === 2, { what: 'the call' });
  await rig.connectVendor(vendor, 'shop', { credentials: { token: 'second-secret' } });
  expect(await listListings(rig.db, listing)).toMatchObject({
    value: { items: before.ok ? before.value.items.map(({ sku }) => ({ sku })) : [] },
  });
  await waitFor(() => tokens().includes('Bearer second-secret'), { what: 'the new ones' });
  vendor.faults = new FaultPlan();
  await rig.setLevel('A', 3);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 3 });
  expect(vendor.state.mismatches).toEqual([]);
  expect(tokens().lastIndexOf('Bearer first-secret')).toBeLessThan(
    tokens().indexOf('Bearer second-secret'),
  );
  expect(tokens().at(-1)).toBe('Bearer second-secret');
  expect(log).not.toMatch(/-secret/);
});
