import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import type { JournalEntry } from '../../emulators/emulator.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, quickRetry } from './delivery-rig.ts';
import { startVendor, vendorAdapter, type Vendor } from './fake-vendor.ts';

// A call with an idempotency key is kept before it is sent, and repeated as it is until it is
// answered.

let rig: DeliveryRig;
let vendor: Vendor;

beforeEach(async () => {
  [rig, vendor] = await Promise.all([DeliveryRig.open(vendorAdapter()), startVendor()]);
});

afterEach(async () => {
  await rig.close();
  await vendor.stop();
});

const connect = (more: { maxAttempts?: number; timeoutMs?: number } = {}): Promise<unknown> =>
  rig.connectVendor(vendor, 'shop', more);

const keyOf = ({ request }: JournalEntry): string => request.headers['idempotency-key'] ?? '';

const storedCalls = async (): Promise<{ message_id: string }[]> =>
  (await rig.inspector.query<{ message_id: string }>('select message_id from stored_call')).rows;

test('a call whose answer is lost is repeated with its key before newer figures', async () => {
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect();
  await rig.setLevel('A', 1);
  await rig.settled();
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await rig.setLevel('A', 5);
  await waitFor(() => vendor.state.shown['A'] === 5, { what: 'the call to be done' });
  await rig.setLevel('A', 6);
  await waitFor(() => vendor.state.replays >= 2, { what: 'repeats' });
  expect(vendor.state.shown).toEqual({ A: 5 });
  vendor.faults = new FaultPlan();
  await rig.settled();
  expect(vendor.state.mismatches).toEqual([]);
  expect(vendor.state.writes.map(({ quantity }) => quantity)).toEqual([1, 5, 6]);
  const repeated = vendor.journal.filter(({ request }) => request.body.includes('"quantity":5'));
  expect(new Set(repeated.map(keyOf)).size).toBe(1);
  expect(new Set(repeated.map(({ request }) => request.body)).size).toBe(1);
  // The channel's adapter knows that it may have been done before.
  expect(repeated.map(({ request }) => request.headers['x-is-repeated'])).toEqual([
    'false',
    ...repeated.slice(1).map(() => 'true'),
  ]);
  expect(keyOf(vendor.journal.at(-1) ?? neverSent())).not.toBe(keyOf(repeated[0] ?? neverSent()));
  expect(await storedCalls()).toEqual([]);
});

test('a killed process leaves its call to the next, which repeats it first', async () => {
  const first = await rig.start();
  await connect({ timeoutMs: 4_000 });
  await rig.setLevel('A', 1);
  await rig.settled();
  // Long enough for the kill, and over before the next one leads.
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'latency', ms: 3_000 } }]);
  await rig.setLevel('A', 5);
  await waitFor(async () => (await storedCalls()).length === 1, { what: 'the call to be stored' });
  const [stored] = await storedCalls();
  await rig.kill(first);
  await rig.setLevel('A', 6);
  vendor.faults = new FaultPlan();
  await rig.start();
  // The lease runs out after 6 s.
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 6 });
  expect(vendor.state.writes.map(({ quantity }) => quantity)).toEqual([1, 5, 6]);
  expect(vendor.state.mismatches).toEqual([]);
  const fives = vendor.journal.filter(({ request }) => request.body.includes('"quantity":5'));
  expect([...new Set(fives.map(keyOf))]).toEqual([stored?.message_id]);
  expect(vendor.state.replays).toBeGreaterThan(0);
  expect((await rig.inspector.query('select from drift')).rows).toEqual([]);
  expect(await storedCalls()).toEqual([]);
});

test('what the channel did not do goes out anew with another key', async () => {
  await rig.start();
  await connect();
  await rig.setLevel('A', 1);
  await rig.settled();
  vendor.state.throttled = 2;
  await rig.setLevel('A', 5);
  await waitFor(() => vendor.state.throttled === 1, { what: 'the first refusal' });
  await rig.setLevel('A', 6);
  await rig.settled();
  const [, ...calls] = vendor.journal.map(keyOf);
  expect(new Set(calls).size).toBe(calls.length);
  expect(vendor.state.shown).toEqual({ A: 6 });
  expect(vendor.state.mismatches).toEqual([]);
});

test('a call that may be done keeps its key while the channel only says: not now', async () => {
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect();
  await rig.setLevel('A', 1);
  await rig.settled();
  let calls = 0;
  vendor.faults.next = () => {
    calls += 1;
    if (calls === 2) vendor.state.throttled = 2;
    return calls === 1 ? { kind: 'reset_after' } : undefined;
  };
  await rig.setLevel('A', 5);
  await rig.settled();
  expect(vendor.state.throttled).toBe(0);
  const fives = vendor.journal.filter(({ request }) => request.body.includes('"quantity":5'));
  expect(fives.length).toBe(4);
  expect(new Set(fives.map(keyOf)).size).toBe(1);
  expect(vendor.state.writes.map(({ quantity }) => quantity)).toEqual([1, 5]);
  expect(await storedCalls()).toEqual([]);
});

test('many changed SKUs share a stored call, which is repeated whole', async () => {
  await rig.start();
  await rig.connectVendor(vendor, 'shop', { enabled: false });
  const skus = Array.from({ length: 40 }, (_, index) => `S${index}`);
  for (const sku of skus) await rig.setLevel(sku, 7);
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await connect({ maxAttempts: 100 });
  await waitFor(() => vendor.state.replays > 0, { what: 'a repeat' });
  vendor.faults = new FaultPlan();
  await rig.settled();
  expect(vendor.state.mismatches).toEqual([]);
  // One call where all are marked at once; a SKU whose message was still under way has its own.
  const keys = new Set(vendor.journal.map(keyOf));
  expect(keys.size).toBeLessThan(5);
  expect(vendor.journal.length).toBeGreaterThan(keys.size);
  expect(vendor.state.shown).toEqual(await rig.stock());
  expect(vendor.state.writes).toHaveLength(40);
});

test('jobs of different changes become one when they share a call', async () => {
  await rig.start();
  await connect();
  await rig.setLevel('hold', 1);
  await rig.settled();
  // While the channel asks to wait, each change makes a job of its own.
  vendor.state.throttled = 1;
  vendor.state.throttleMs = 1_500;
  await rig.setLevel('hold', 2);
  await waitFor(() => vendor.state.throttled === 0, { what: 'the wait' });
  for (const sku of ['A', 'B', 'C', 'D']) {
    await rig.setLevel(sku, 3);
    await waitFor(
      async () => (await rig.inspector.query('select from outbox_message')).rows.length === 0,
      { what: 'the relay' },
    );
  }
  await rig.settled();
  const shared = vendor.journal.map(({ request }) => (request.body.match(/"id"/g) ?? []).length);
  expect(Math.max(...shared)).toBeGreaterThanOrEqual(4);
  expect(vendor.state.shown).toEqual({ hold: 2, A: 3, B: 3, C: 3, D: 3 });
  const { rows } = await rig.inspector.query<{ open: number }>(
    `select count(*)::integer as open from pgboss.job
     where name = 'channel.default.shop' and state in ('created', 'retry', 'active')`,
  );
  expect(rows[0]?.open).toBe(0);
});

test('a figure that was given up unanswered is not taken for somebody else’s', async () => {
  await rig.start();
  await connect({ maxAttempts: 2 });
  await rig.setLevel('A', 1);
  await rig.settled();
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await rig.setLevel('A', 5);
  await waitFor(async () => (await rig.deliveries('shop'))[0]?.status === 'dead', {
    what: 'the dead letter',
  });
  expect(await storedCalls()).toEqual([]);
  vendor.faults = new FaultPlan();
  await rig.setLevel('A', 6);
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 6 });
  expect((await rig.inspector.query('select from drift')).rows).toEqual([]);
});

test('a job table emptied by hand does not make a call forgotten', async () => {
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect();
  await rig.setLevel('A', 1);
  await rig.settled();
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await rig.setLevel('A', 5);
  await waitFor(() => vendor.state.shown['A'] === 5, { what: 'the call to be done' });
  await rig.inspector.query('delete from pgboss.job');
  await rig.setLevel('A', 6);
  vendor.faults = new FaultPlan();
  await rig.settled();
  expect(vendor.state.writes.map(({ quantity }) => quantity)).toEqual([1, 5, 6]);
  expect(vendor.state.replays).toBeGreaterThan(0);
  expect((await rig.inspector.query('select from drift')).rows).toEqual([]);
  expect(await storedCalls()).toEqual([]);
});

test('a channel at another address is told nothing of the calls before', async () => {
  await rig.start({ retry: { ...quickRetry, maxAttempts: 100 } });
  await connect();
  await rig.setLevel('A', 1);
  await rig.settled();
  vendor.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  await rig.setLevel('A', 5);
  await waitFor(async () => (await storedCalls()).length === 1, { what: 'the call to be stored' });
  const other = await startVendor();
  try {
    other.state.shown['A'] = 40;
    await rig.connectVendor(other, 'shop');
    await waitFor(() => other.state.shown['A'] === 5, { what: 'the other to be told' });
    await rig.settled();
    // Nobody knows what it shows, so nothing is compared.
    for (const { request } of other.journal) {
      expect(request.body).toBe('{"changes":[{"id":"A","quantity":5,"from":null}]}');
    }
    expect(other.state.mismatches).toEqual([]);
    expect((await rig.inspector.query('select from drift')).rows).toEqual([]);
  } finally {
    await other.stop();
  }
});

function neverSent(): never {
  throw new Error('nothing was sent');
}
