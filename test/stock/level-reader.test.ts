import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LevelReader, openWriterPool } from '../../src/stock/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  count,
  levelKey,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let writer: TestWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  writer = openTestWriter(database.connectionString);
});

afterAll(async () => {
  await writer.close();
  await database.drop();
});

test('a rush is read by four queries at once', async () => {
  const inspector = await openInspector(database.connectionString);
  const pool = openWriterPool(database.connectionString, 30_000);
  const blocker = await inspector.connect();
  onTestFinished(async () => {
    blocker.release(true);
    await inspector.end();
    await pool.end();
  });
  const reader = new LevelReader(pool, writer.clock);
  const skus = Array.from({ length: 100 }, newSku);
  for (const [n, sku] of skus.entries()) await writer.writer.submitOne(count(sku, n));
  const readOf = async (sku: string) => (await reader.read(levelKey(sku)))?.view.onHand;
  const queries = async (): Promise<number> => {
    const { rowCount } = await inspector.query(
      `select from pg_locks where relation = 'stock_level'::regclass and not granted`,
    );
    return rowCount ?? 0;
  };

  await blocker.query('begin; lock table stock_level in access exclusive mode');
  const read = skus.slice(0, 1).map(readOf);
  await waitFor(async () => (await queries()) === 1, { what: 'the first query' });
  for (const number of [2, 3, 4]) {
    read.push(...skus.slice(read.length, read.length + 16).map(readOf));
    await waitFor(async () => (await queries()) === number, { what: `query ${number}` });
  }
  // The rest wait for one of them.
  read.push(...skus.slice(read.length).map(readOf));
  await blocker.query('commit');

  expect(await Promise.all(read)).toEqual(skus.map((_, n) => n));
});
