import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { makeLedgerPartitions } from '../../src/stock/index.ts';
import { expectCleanAudit, findViolations } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { adjust, count, openInspector, openTestWriter } from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;

const dayMs = 86_400_000;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
});

afterAll(async () => {
  await handle.close();
  await inspector.end();
  await database.drop();
});

/** Where the entries of a SKU lie. */
async function placesOf(sku: string): Promise<string[]> {
  const { rows } = await inspector.query<{ place: string }>(
    `select distinct tableoid::regclass::text as place from ledger_entry where sku = $1`,
    [sku],
  );
  return rows.map(({ place }) => place);
}

/** The name of the partition of a time. */
function monthOf(at: Date): string {
  return `ledger_entry_${at.toISOString().slice(0, 7).replace('-', '_')}`;
}

async function writeAt(sku: string, at: Date): Promise<void> {
  const clock = { offsetMs: at.getTime() - Date.now(), now: () => at };
  const stock = openTestWriter(database.connectionString, { clock });
  await stock.writer.submit([count(sku, 5), adjust(sku, 1)]);
  await stock.close();
}

test('this month and the next two are there from the first start on', async () => {
  const now = new Date();
  const months = [0, 1, 2].map((ahead) =>
    monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1))),
  );
  const { rows } = await inspector.query<{ name: string }>('select name from ledger_partitions()');
  expect(rows.map(({ name }) => name)).toEqual(months);
  await writeAt('now', now);
  expect(await placesOf('now')).toEqual([monthOf(now)]);
  expect(await makeLedgerPartitions(handle.db, 0)).toBe(0);
});

test('an entry whose month was not made is kept, and moves when it is', async () => {
  const at = new Date(Date.now() + 400 * dayMs);
  await writeAt('later', at);
  expect(await placesOf('later')).toEqual(['ledger_entry_other']);
  await expectCleanAudit(inspector);
  expect(await makeLedgerPartitions(handle.db, 400 * dayMs)).toBe(3);
  expect(await placesOf('later')).toEqual([monthOf(at)]);
  await expectCleanAudit(inspector);
  await writeAt('later', new Date(at.getTime() + dayMs / 24));
  expect(await placesOf('later')).toEqual([monthOf(at)]);
});

test('processes that start together make each month once', async () => {
  const offset = 800 * dayMs;
  const made = await Promise.all(
    Array.from({ length: 6 }, () => makeLedgerPartitions(handle.db, offset)),
  );
  expect(made.reduce((sum, each) => sum + each, 0)).toBe(3);
});

/** Writes a version once more. */
function copyAt(time: string): string {
  return `
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, command_id, occurred_at, recorded_at)
    select merchant_id, sku, location_id, version, quantity, delta, balance_after,
      gen_random_uuid(), occurred_at, ${time}
    from ledger_entry where sku = 'twice' and version = 2`;
}

test('a version is refused twice within a month, and seen by the audit over months', async () => {
  await writeAt('twice', new Date());
  await expect(inspector.query(copyAt('recorded_at'))).rejects.toMatchObject({ code: '23505' });
  await inspector.query(copyAt(`recorded_at + interval '40 days'`));
  expect(Object.keys(await findViolations(inspector))).toContain('version_not_contiguous');
});
