import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { listLedger, parseEntryId } from '../../src/stock/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import {
  adjust,
  count,
  merchantId,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;
let writer: TestWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = await openInspector(database.connectionString);
  handle = openDatabase({ connectionString: database.connectionString });
  writer = openTestWriter(database.connectionString);
});

afterAll(async () => {
  await writer.close();
  await handle.close();
  await inspector.end();
  await database.drop();
});

async function readBehind(after: number): Promise<readonly string[]> {
  const { items } = await listLedger(handle.db, { merchantId, after, limit: 100 });
  return items.map(({ sku }) => sku);
}

test('who reads on behind the last entry misses none that is committed late', async () => {
  const sku = newSku();
  await writer.writer.submitOne(count(sku, 10));
  const { items } = await listLedger(handle.db, { merchantId, limit: 100 });
  const seen = parseEntryId(items.at(-1)?.entryId ?? '') ?? 0;
  // A page of a source, which takes longer than the batch after it.
  const slow = await inspector.connect();
  await slow.query('begin');
  await slow.query(
    `insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
       balance_after, command_id, occurred_at, recorded_at)
     values ($1, 'slow', 'main', 1, 'on_hand', 1, 1, gen_random_uuid(), now(), now())`,
    [merchantId],
  );
  await writer.writer.submitOne(adjust(sku, -1));
  const reading = readBehind(seen);
  // Long enough for a reader that does not wait.
  for (let i = 0; i < 20; i += 1) await inspector.query('select 1');
  await slow.query('commit');
  slow.release();
  expect(await reading).toEqual(['slow', sku]);
});

test('what was given up is not waited for', async () => {
  const { items } = await listLedger(handle.db, { merchantId, limit: 100 });
  const seen = parseEntryId(items.at(-1)?.entryId ?? '') ?? 0;
  const slow = await inspector.connect();
  await slow.query('begin');
  await slow.query(`select nextval(pg_get_serial_sequence('ledger_entry', 'entry_id'))`);
  await slow.query('rollback');
  slow.release();
  const sku = newSku();
  await writer.writer.submitOne(adjust(sku, 1));
  expect(await readBehind(seen)).toEqual([sku]);
});
