import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { commitReservation, createReservation } from '../../src/reservations/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  adjust,
  count,
  keyed,
  merchantId,
  newSku,
  openInspector,
  openTestWriter,
} from '../support/stock.ts';
import { openTappedWriter } from './tapped-writer.ts';

// By which time a batch is decided and stamped.

let database: TestDatabase;
let inspector: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = await openInspector(database.connectionString);
});

afterAll(async () => {
  await inspector.end();
  await database.drop();
});

/** How long ago each entry of a SKU was recorded, in seconds, in the order of versions. */
async function agesOf(sku: string): Promise<number[]> {
  const { rows } = await inspector.query<{ age: number }>(
    `select date_part('epoch', now() - recorded_at) as age from ledger_entry
     where sku = $1 order by version`,
    [sku],
  );
  return rows.map(({ age }) => age);
}

test('a command that finds nothing does not set the clock of those after it', async () => {
  const ours = openTestWriter(database.connectionString);
  const { writer } = ours;
  const sku = newSku();
  await writer.submitOne(count(sku, 10));
  // As if nobody had come for two seconds: what was heard of the clock does not count any more.
  const now = performance.now.bind(performance);
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 2_000);
  onTestFinished(() => later.mockRestore());
  const unknown = { merchantId, reservationId: 'rsv_unknown', actor: null };
  const nothing = await writer.submitOne(commitReservation(unknown, 'if-available'));
  expect(nothing).toMatchObject({ kind: 'refused', refusal: { code: 'RESERVATION.NOT_FOUND' } });
  const once = () => writer.submitOne(adjust(sku, -1, { key: keyed(`${sku} once`, 1) }));
  expect(await once()).toMatchObject({ kind: 'applied' });
  expect(await once()).toMatchObject({ kind: 'replayed' });
  for (const age of await agesOf(sku)) expect(Math.abs(age)).toBeLessThan(60);
  await ours.close();
});

test('a change is never stamped before the one it builds on', async () => {
  const ours = openTestWriter(database.connectionString);
  const { writer, clock } = ours;
  const sku = newSku();
  clock.offsetMs = 3_600_000;
  await writer.submitOne(count(sku, 10));
  // As when somebody sets the database's clock right.
  clock.offsetMs = 0;
  await writer.submitOne(adjust(sku, -1));
  const [first, second] = await agesOf(sku);
  expect(second).toBeLessThanOrEqual(first ?? 0);
  await ours.close();
});

test('a clock that was set back lets nobody wait for the end of a hold', async () => {
  const reads: string[] = [];
  const ours = openTappedWriter(database.connectionString, async (name, send) => {
    reads.push(name);
    return await send();
  });
  const { writer, clock } = ours;
  const sku = newSku();
  await writer.submitOne(count(sku, 10));
  const lines = [{ storeId: 'main', sku, quantity: 4 }];
  const hold = { merchantId, orderId: null, lines, ttlSeconds: 10, actor: null };
  expect(await writer.submitOne(createReservation(hold))).toMatchObject({ kind: 'applied' });
  clock.offsetMs = 30_000;
  await writer.submitOne(adjust(sku, -1));
  clock.offsetMs = 0;
  reads.length = 0;
  expect(await writer.submitOne(adjust(sku, -1))).toMatchObject({ kind: 'applied' });
  expect(reads.filter((name) => name === 'stock_levels').length).toBeLessThan(4);
  await ours.close();
});
