import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pool } from 'pg';
import { openDatabase, type DatabaseHandle } from '../../src/db/index.ts';
import { countMessages, newestOfLevel, takeMessages } from '../../src/outbox/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openInspector } from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
});

beforeEach(async () => {
  await inspector.query('truncate outbox_message');
});

afterAll(async () => {
  await inspector.end();
  await handle.close();
  await database.drop();
});

const insert = `insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
  values ($1, $2, 'main', $3, now())`;

const take = (limit = 100): ReturnType<typeof takeMessages> =>
  handle.db.transaction().execute((tx) => takeMessages(tx, limit));

test('messages are taken once, each merchant up to its share', async () => {
  for (const merchant of ['a', 'b', 'c']) {
    for (let version = 1; version <= 5; version += 1) {
      await inspector.query(insert, [merchant, `${merchant}-1`, version]);
    }
  }
  expect(await countMessages(handle.db)).toBe(15);
  const first = await take(3);
  expect(first.map((message) => `${message.sku} ${message.version}`).toSorted()).toEqual(
    ['a', 'b', 'c'].flatMap((merchant) => [1, 2, 3].map((version) => `${merchant}-1 ${version}`)),
  );
  expect(await take()).toHaveLength(6);
  expect(await take()).toEqual([]);
});

test('two relays take different messages, and one that fails leaves its own', async () => {
  for (let version = 1; version <= 4; version += 1) {
    await inspector.query(insert, ['a', 'A', version]);
  }
  const others: number[] = [];
  const failing = handle.db.transaction().execute(async (tx) => {
    const mine = await takeMessages(tx, 2);
    expect(new Set(mine.map(({ version }) => version))).toEqual(new Set([1, 2]));
    others.push(...(await take()).map(({ version }) => version));
    throw new Error('the process died');
  });
  await expect(failing).rejects.toThrow('the process died');
  expect(new Set(others)).toEqual(new Set([3, 4]));
  expect(new Set((await take()).map(({ version }) => version))).toEqual(new Set([1, 2]));
});

test('a message that is committed after a higher one was taken is not lost', async () => {
  const late = await inspector.connect();
  try {
    await late.query('begin');
    await late.query(insert, ['a', 'late', 1]);
    await inspector.query(insert, ['a', 'early', 1]);
    expect((await take()).map(({ sku }) => sku)).toEqual(['early']);
    await late.query('commit');
  } finally {
    late.release();
  }
  expect((await take()).map(({ sku }) => sku)).toEqual(['late']);
});

function at(ms: number): Date {
  return new Date(1_000_000 + ms);
}

test('of a level the newest version counts, and the oldest time', () => {
  const message = (sku: string, version: number, ms: number) => ({
    merchantId: 'a',
    sku,
    storeId: 'main',
    version,
    recordedAt: at(ms),
  });
  expect(newestOfLevel([message('B', 2, 5), message('A', 1, 7), message('B', 1, 3)])).toEqual([
    { merchantId: 'a', sku: 'A', storeId: 'main', version: 1, oldestRecordedAt: at(7) },
    { merchantId: 'a', sku: 'B', storeId: 'main', version: 2, oldestRecordedAt: at(3) },
  ]);
});
