import { readFileSync } from 'node:fs';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openInspector } from '../support/stock.ts';
import { csvFile, orderFile, row } from './order-fixture.ts';
import { plainReplay, realOrders } from './real-orders.ts';
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

function replay(file: string, store: string, ...more: string[]): Promise<Ran> {
  const args = ['replay', 'orders', file, '--store', store, '--json', ...more];
  return run(database.connectionString, args);
}

type Summary = Record<string, unknown> & { audit: { clean: boolean } };

function summaryOf({ stdout }: Ran): Summary {
  return JSON.parse(stdout) as Summary;
}

async function stockOf(store: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ sku: string; on_hand: number; reserved: number }>(
    'select sku, on_hand, reserved from stock_level where location_id = $1 order by sku',
    [store],
  );
  expect(rows.filter(({ reserved }) => reserved !== 0)).toEqual([]);
  return Object.fromEntries(rows.map((level) => [level.sku, level.on_hand]));
}

async function ledgerCount(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from ledger_entry');
  return rows[0]?.count ?? 0;
}

test('orders are applied in their order, and a second run changes nothing', async () => {
  const file = await orderFile([
    row('1', '10001A', 6),
    row('1', '10002', 2),
    row('1', '10001A', 2),
    row('2', '10001A', 4),
    row('C3', '10001A', -3),
    row('4', '10001A', 2),
    row('4', 'POST', 1),
    row('5', '10001a', 1),
  ]);
  const first = await replay(file, 'twice', '--opening', '0.8');
  expect(first.code).toBe(0);
  expect(summaryOf(first)).toMatchObject({
    orders: 5,
    lines: 7,
    cancellations: 1,
    // the first is refused whole: it asks for 8 of 11, and for 2 of 1; the last for 1 of none
    applied: 3,
    refused: 2,
    replayed: 0,
    skippedRows: 1,
    badRows: 0,
    opened: 3,
    audit: { clean: true },
  });
  expect(await stockOf('twice')).toEqual({ '10001A': 8, 10002: 1, '10001a': 0 });
  const entries = await ledgerCount();
  const again = await replay(file, 'twice', '--opening', '0.8');
  expect(again.code).toBe(0);
  expect(summaryOf(again)).toMatchObject({ applied: 0, refused: 0, replayed: 5, opened: 0 });
  expect(await ledgerCount()).toBe(entries);
});

test('what was refused once stays refused, though stock came back meanwhile', async () => {
  const file = await orderFile([
    row('1', '10001', 5),
    row('2', '10001', 5),
    row('C3', '10001', -5),
  ]);
  const stock = await csvFile(['sku,quantity', '10001,5']);
  await replay(file, 'stays', '--opening-stock', stock);
  expect(await stockOf('stays')).toEqual({ 10001: 5 });
  const entries = await ledgerCount();
  const again = summaryOf(await replay(file, 'stays', '--opening-stock', stock));
  expect(again).toMatchObject({ applied: 0, refused: 0, replayed: 3, replayedRefused: 1 });
  expect(await stockOf('stays')).toEqual({ 10001: 5 });
  expect(await ledgerCount()).toBe(entries);
});

test('opening stock is set once', async () => {
  const file = await orderFile([row('1', '10001', 10), row('2', '10002', 3)]);
  await replay(file, 'opened', '--opening', '1');
  expect(await stockOf('opened')).toEqual({ 10001: 0, 10002: 0 });
  const again = await replay(file, 'opened', '--opening', '5');
  expect(summaryOf(again)).toMatchObject({ opened: 0 });
  expect(await stockOf('opened')).toEqual({ 10001: 0, 10002: 0 });
});

test('corrections take off what is there and never more', async () => {
  const file = await orderFile([
    row('1', '10001', 2),
    row('2', '10001', -5),
    row('3', '10001', -4),
    row('4', '10001', 1),
  ]);
  const stock = await csvFile(['StockCode;Count', '10001;8']);
  const ran = summaryOf(await replay(file, 'corrected', '--opening-stock', stock));
  expect(ran).toMatchObject({ orders: 4, corrections: 2, applied: 3, refused: 1 });
  expect(await stockOf('corrected')).toEqual({ 10001: 0 });
});

test('bad rows are told with their line and stop nothing', async () => {
  const file = await orderFile([
    row('1', '10001', 'many'),
    '1,10001,THING',
    row('1', '10001', '1.5'),
    '1,10001,THING,1,yesterday,1,2,UK',
    '1,10001,THING,1,2010-02-30T08:00:00Z,1,2,UK',
    row('', '10001', 1),
    row('1', '', 1),
    row('1', '10001', 0),
    row('C2', '10001', 4),
    '3,10001,"A THING THAT NEVER ENDS,1,2010-12-01T08:26:00Z,1,2,UK',
    '3,10001,"A ""QUOTED"", CUT THING",1,2010-12-01T08:26:00Z,1,2,UK',
    '3,10001,12" RULER,1,12/1/2010 8:26,1,2,UK',
    row('3', '10001', 99999999999),
  ]);
  const ran = await replay(file, 'bad', '--opening', '1');
  expect(ran.code).toBe(0);
  expect(summaryOf(ran)).toMatchObject({ badRows: 11, lines: 2, orders: 1, applied: 1 });
  expect(ran.stderr.match(/^line \d+: .*$/gm)).toEqual([
    'line 2: Quantity "many" is not a whole number',
    'line 3: has 3 columns, the header has 8',
    'line 4: Quantity "1.5" is not a whole number',
    'line 5: InvoiceDate "yesterday" is not a date',
    'line 6: InvoiceDate "2010-02-30T08:00:00Z" is not a date',
    'line 7: InvoiceNo is missing or cannot be an id',
    'line 8: StockCode is missing',
    'line 9: Quantity is 0',
    'line 10: a cancellation with a positive Quantity',
    'line 11: a quote is not closed',
    'line 14: Quantity "99999999999" is not a whole number',
  ]);
});

test('an order with the number of another one is left alone', async () => {
  await replay(await orderFile([row('1', '10001', 1)]), 'differs', '--opening', '9');
  const ran = await replay(await orderFile([row('1', '10001', 2)]), 'differs');
  expect(summaryOf(ran)).toMatchObject({ applied: 0, differing: 1 });
  expect(ran.stderr).toContain('order 1: was replayed with other lines; left alone');
  expect(await stockOf('differs')).toEqual({ 10001: 8 });
});

test('the ledger says when an order was placed', async () => {
  const file = await orderFile([row('dated', '10001', 1), row('Cdated', '10001', -1)]);
  await replay(file, 'dated', '--opening', '1');
  const { rows } = await pool.query(
    `select distinct reference, happened_at from audit.ledger
     where store = 'dated' and why <> 'opening' order by reference`,
  );
  const at = new Date('2010-12-01T08:26:00Z');
  expect(rows).toEqual([
    { reference: 'Cdated', happened_at: at },
    { reference: 'dated', happened_at: at },
  ]);
});

test('a run that is told to stop ends in order and can be taken up', async () => {
  const file = await orderFile([row('1', '10001', 1)]);
  const args = ['replay', 'orders', file, '--store', 'stopped', '--opening', '1'];
  const stopped = await run(database.connectionString, args, { signal: AbortSignal.abort() });
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain('run it again to go on');
  expect((await run(database.connectionString, args)).stdout).toMatch(/^applied +1$/m);
});

test('of two runs at once the second waits, and finds nothing left to do', async () => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    i % 3 === 2 ? row(`C${i}`, '10001', -2) : row(`${i}`, '10001', 3),
  );
  const file = await orderFile(rows);
  const runs = await Promise.all([1, 2].map(() => replay(file, 'together', '--concurrency', '2')));
  const applied = runs.map((ran) => summaryOf(ran)['orders'] === 60 && summaryOf(ran)['replayed']);
  expect(applied.toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 60]);
});

test.skipIf(realOrders === undefined)(
  'the real orders leave the stock that a plain loop over the file leaves',
  async () => {
    const path = realOrders ?? '';
    const expected = plainReplay(readFileSync(path, 'utf8'), 0.8);
    const first = await replay(path, 'real');
    expect(summaryOf(first)).toMatchObject({
      orders: 330,
      cancellations: 32,
      corrections: 2,
      lines: 6330,
      skippedRows: 19,
      applied: expected.applied,
      refused: expected.refused,
      badRows: 0,
      audit: { clean: true },
    });
    expect(await stockOf('real')).toEqual(expected.stock);
    const entries = await ledgerCount();
    const again = await replay(path, 'real', '--concurrency', '7');
    expect(again.code).toBe(0);
    expect(summaryOf(again)).toMatchObject({ applied: 0, refused: 0, replayed: 330 });
    expect(await ledgerCount()).toBe(entries);
    await expectCleanAudit(pool);
  },
);
