import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSeller, type Seller, type SellerOptions } from '../../../emulators/square/seller.ts';
import { hasSpecification } from '../../../emulators/square/specification.ts';
import { skus } from './seller-rig.ts';

const now = Date.parse('2026-11-21T00:00:00Z');

async function open(options: SellerOptions = {}): Promise<Seller> {
  const seller = await startSeller({ seed: { skus: skus(2, 1) }, now: () => now, ...options });
  onTestFinished(() => seller.server.stop());
  return seller;
}

async function post(seller: Seller, body: unknown): Promise<[number, unknown]> {
  const response = await fetch(`${seller.server.url}/v2/inventory/changes/batch-create`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${seller.credentials.accessToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

function count(more: Record<string, unknown> = {}): unknown {
  const occurred_at = new Date(now).toISOString();
  const basis = { catalog_object_id: 'V1', location_id: 'L1', state: 'IN_STOCK', quantity: '5' };
  return { type: 'PHYSICAL_COUNT', physical_count: { ...basis, occurred_at, ...more } };
}

function failed(code: string): unknown {
  return { errors: [expect.objectContaining({ code }) as unknown] };
}

test.each<[string, unknown, number, string]>([
  ['101 changes', Array.from({ length: 101 }, () => count()), 400, 'ARRAY_LENGTH_TOO_LONG'],
  ['an unknown variation', [count({ catalog_object_id: 'V9' })], 404, 'NOT_FOUND'],
  ['an unknown location', [count({ location_id: 'L9' })], 400, 'INVALID_VALUE'],
  ['a quantity below 0', [count({ quantity: '-1' })], 400, 'INVALID_VALUE'],
  ['a time of yesterday', [count({ occurred_at: '2026-11-19T23:59:59Z' })], 400, 'INVALID_TIME'],
  ['a time to come', [count({ occurred_at: '2026-11-21T00:00:01Z' })], 400, 'INVALID_TIME'],
  ['one bad row of two', [count(), count({ location_id: 'L9' })], 400, 'INVALID_VALUE'],
])('%s is refused, and nothing is done', async (_, changes, status, code) => {
  const seller = await open();
  expect(await post(seller, { idempotency_key: 'k', changes })).toEqual([status, failed(code)]);
  expect(seller.stockOf('S0')).toBe(1);
});

// A number breaks the specification where that is at hand, and our own checks where it is not.
test('a quantity that is a number is refused', async () => {
  const seller = await open();
  const body = { idempotency_key: 'k', changes: [count({ quantity: 5 })] };
  const code = hasSpecification ? 'BAD_REQUEST' : 'EXPECTED_STRING';
  expect(await post(seller, body)).toEqual([400, failed(code)]);
  expect(seller.state.invalid).toHaveLength(hasSpecification ? 1 : 0);
});

test('a call without a key is refused', async () => {
  const seller = await open();
  const [status] = await post(seller, { changes: [count()] });
  expect(status).toBe(400);
  expect(seller.stockOf('S0')).toBe(1);
});

test('a key is answered once, and refused with other content', async () => {
  const seller = await open();
  const body = { idempotency_key: 'k', changes: [count()] };
  const first = await post(seller, body);
  expect(await post(seller, body)).toEqual(first);
  expect(await post(seller, { ...body, changes: [count({ quantity: '6' })] })).toEqual([
    400,
    failed('IDEMPOTENCY_KEY_REUSED'),
  ]);
  expect(seller.state.mismatches).toEqual(['k']);
  expect(seller.stockOf('S0')).toBe(5);
});

test('a count like the one before is dropped unless it is asked to count', async () => {
  const seller = await open();
  await post(seller, { idempotency_key: 'a', changes: [count({ quantity: '1' })] });
  expect(seller.history('S0')).toHaveLength(1);
  const insist = { ignore_unchanged_counts: false };
  await post(seller, { idempotency_key: 'b', changes: [count({ quantity: '1' })], ...insist });
  expect(seller.history('S0')).toHaveLength(2);
});

test('counts go by their own times, and what was sold after one is taken off', async () => {
  const seller = await open();
  const earlier = '2026-11-20T23:00:00Z';
  await post(seller, { idempotency_key: 'a', changes: [count({ quantity: '9' })] });
  const late = [count({ quantity: '4', occurred_at: earlier })];
  await post(seller, { idempotency_key: 'b', changes: late });
  expect(seller.stockOf('S0')).toBe(9);
  const other = [count({ catalog_object_id: 'V2', quantity: '4', occurred_at: earlier })];
  seller.sell('S1', 1);
  await post(seller, { idempotency_key: 'c', changes: other });
  expect(seller.stockOf('S1')).toBe(3);
});

test('what was counted, and under which keys, is there after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-seller-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const stateFile = join(folder, 'state.json');
  const body = { idempotency_key: 'k', changes: [count()] };
  const seller = await open({ stateFile });
  const first = await post(seller, body);
  await seller.server.stop();
  const again = await open({ stateFile });
  expect(again.stockOf('S0')).toBe(5);
  expect(await post(again, body)).toEqual(first);
  expect(again.state.keys['k']?.repeats).toBe(1);
});
