import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openInspector } from '../support/stock.ts';
import { csvFile } from './order-fixture.ts';
import { run, type Ran } from './run.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await openInspector(database.connectionString);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

function importStock(file: string, ...more: string[]): Promise<Ran> {
  return run(database.connectionString, ['import', 'stock', file, '--json', ...more]);
}

async function levels(): Promise<unknown[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    'select location_id, sku, on_hand, version from stock_level order by location_id, sku',
  );
  return rows.map((row) => Object.values(row).join(' '));
}

test('counts are taken over, and what stands already is not written again', async () => {
  const file = await csvFile([
    '\uFEFFSKU,Store ID,Name,On Hand',
    'lamp,main,"A lamp, green",12',
    'lamp,depot,,3',
    '"rug ""big""",,"two',
    'lines",0',
  ]);
  const first = await importStock(file);
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ written: 3, unchanged: 0, stores: 1 });
  expect(await levels()).toEqual(['depot lamp 3 1', 'main lamp 12 1', 'main rug "big" 0 1']);
  const again = await importStock(file);
  expect(JSON.parse(again.stdout)).toMatchObject({ written: 0, unchanged: 3, badRows: 0 });
  const changed = await csvFile(['sku,quantity', 'lamp,11']);
  expect(JSON.parse((await importStock(changed)).stdout)).toMatchObject({ written: 1 });
  expect(await levels()).toEqual(['depot lamp 3 1', 'main lamp 11 2', 'main rug "big" 0 1']);
  await expectCleanAudit(pool);
});

test('rows with errors are told with their line, and all others are imported', async () => {
  const file = await csvFile([
    'sku;store;qty',
    'cup;main;5',
    'cup;main;6',
    ';main;1',
    'jar;main;-1',
    'jar;main;1.5',
    'jar;main',
    '..;main;1',
    `${'x'.repeat(129)};main;1`,
    'jar;main;2147483648',
    'pot;main;7',
  ]);
  const { code, stdout, stderr } = await importStock(file);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ written: 2, badRows: 8 });
  expect(stderr.match(/^line \d+/gm)).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((n) => `line ${n}`));
  expect(stderr).toContain('line 3: the same SKU and store stand in line 2, which counts');
  expect(await levels()).toEqual(expect.arrayContaining(['main cup 5 1', 'main pot 7 1']));
});

test('a file without the columns is refused before anything is written', async () => {
  const before = await levels();
  const noSku = await importStock(await csvFile(['name,quantity', 'cup,1']));
  expect(noSku).toMatchObject({ code: 2 });
  expect(noSku.stderr).toContain('has no column sku');
  expect((await importStock(await csvFile(['sku,name', 'cup,1']))).code).toBe(2);
  expect((await importStock(await csvFile(['']))).code).toBe(2);
  expect(await levels()).toEqual(before);
});

test('the ledger says that a figure was imported, and from which line', async () => {
  await importStock(await csvFile(['sku,quantity', 'vase,4']));
  const { rows } = await pool.query<{ why: string; who: string; reference: string }>(
    `select why, who, reference from audit.ledger where sku = 'vase'`,
  );
  expect(rows).toEqual([{ why: 'import', who: 'import', reference: 'line 2' }]);
});
