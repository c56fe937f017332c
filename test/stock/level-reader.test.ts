import { EventEmitter } from 'node:events';
import type { Pool, QueryConfig, QueryResult } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  LevelReader,
  openWriterPool,
  type LevelRead,
  type LevelView,
} from '../../src/stock/index.ts';
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

function onHandOf(read: LevelRead | undefined): number | undefined {
  return read === undefined ? undefined : (JSON.parse(read.text) as LevelView).onHand;
}

type Ask = (config: QueryConfig) => Promise<QueryResult>;

type Watched = {
  readonly pool: Pool;
  readonly read: (sku: string) => Promise<number | undefined>;
  /** Of each query, whether it said which row it knew, and how many levels it was sent. */
  readonly queries: { readonly knows: boolean; readonly sent: number }[];
  /** What happens while the next answer is on its way. */
  meanwhile?: (() => void) | undefined;
};

function watchReader(): Watched {
  const pool = openWriterPool(database.connectionString, 30_000);
  onTestFinished(() => pool.end());
  const ask: Ask = pool.query.bind(pool);
  const reader = new LevelReader(pool, writer.clock);
  const watched: Watched = {
    pool,
    read: async (sku) => onHandOf(await reader.read(levelKey(sku))),
    queries: [],
  };
  const watchedAsk: Ask = async (config) => {
    const result = await ask(config);
    const [[sent]] = result.rows as [[unknown[] | null]];
    watched.queries.push({ knows: config.values?.[3] !== '{NULL}', sent: sent?.length ?? 0 });
    watched.meanwhile?.();
    watched.meanwhile = undefined;
    return result;
  };
  Object.assign(pool, { query: watchedAsk });
  return watched;
}

test('a level is sent again when its row has changed, by whomever', async () => {
  const inspector = await openInspector(database.connectionString);
  onTestFinished(() => inspector.end());
  const { read, queries } = watchReader();
  const sku = newSku();
  // What is asked while a connection is made is asked again.
  expect(await read(sku)).toBeUndefined();
  queries.length = 0;
  expect(await read(sku)).toBeUndefined();
  await writer.writer.submitOne(count(sku, 5));
  expect([await read(sku), await read(sku)]).toEqual([5, 5]);
  await writer.writer.submitOne(count(sku, 6));
  expect([await read(sku), await read(sku)]).toEqual([6, 6]);
  // The version stays.
  await inspector.query('update stock_level set on_hand = 7 where sku = $1', [sku]);
  expect([await read(sku), await read(sku)]).toEqual([7, 7]);
  await inspector.query('delete from stock_level where sku = $1', [sku]);
  expect([await read(sku), await read(sku)]).toEqual([undefined, undefined]);
  expect(queries).toEqual([
    { knows: false, sent: 0 },
    { knows: false, sent: 1 },
    { knows: true, sent: 0 },
    { knows: true, sent: 1 },
    { knows: true, sent: 0 },
    { knows: true, sent: 1 },
    { knows: true, sent: 0 },
    { knows: true, sent: 1 },
    { knows: false, sent: 0 },
  ]);
});

test('with a new connection, which may be to another database, all is read anew', async () => {
  const watched = watchReader();
  const { pool, read, queries } = watched;
  const sku = newSku();
  await writer.writer.submitOne(count(sku, 5));
  expect([await read(sku), await read(sku)]).toEqual([5, 5]);
  expect(queries.at(-1)).toEqual({ knows: true, sent: 0 });
  pool.emit('connect', new EventEmitter());
  expect(await read(sku)).toBe(5);
  expect(queries.at(-1)).toEqual({ knows: false, sent: 1 });
  // Also where it comes while the answer is on its way.
  watched.meanwhile = () => pool.emit('connect', new EventEmitter());
  expect(await read(sku)).toBe(5);
  expect(queries.slice(-2)).toEqual([
    { knows: true, sent: 0 },
    { knows: false, sent: 1 },
  ]);
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
  const readOf = async (sku: string) => onHandOf(await reader.read(levelKey(sku)));
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
