import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pool } from 'pg';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { countMessages, newestOfLevel, takeMessages } from '../../src/outbox/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
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

type Taken = ReturnType<typeof takeMessages>;

const pass = (limit: number, most: number): Taken =>
  handle.db.transaction().execute((tx) => takeMessages(tx, limit, most));

const take = async (limit = 100): Promise<Awaited<Taken>['messages']> =>
  (await pass(limit, 10_000)).messages;

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

/** Puts messages of so many merchants into the outbox, as many of each. */
const fill = (merchants: number, each: number): Promise<unknown> =>
  inspector.query(
    `insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
     select 'm-' || m, 'A', 'main', v, now()
     from generate_series(1, $1) as m, generate_series(1, $2) as v`,
    [merchants, each],
  );

test('a pass has its limit, which merchants share', async () => {
  await fill(5, 10);
  const { messages, isFull } = await pass(100, 11);
  const counts = Map.groupBy(messages, ({ merchantId }) => merchantId);
  expect([...counts.values()].map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
  expect(isFull).toBe(true);
  expect((await pass(100, 1_000)).messages).toHaveLength(40);
  expect(await pass(100, 1_000)).toEqual({ messages: [], isFull: false });
});

test('a pass is full when some merchant may have more', async () => {
  await inspector.query(insert, ['small', 'A', 1]);
  await fill(1, 9);
  expect(await pass(100, 10)).toMatchObject({ isFull: true });
  expect(await pass(100, 10)).toMatchObject({ isFull: false });
});

test('of more merchants than messages in a pass each has its turn', async () => {
  const seen = new Set<string>();
  // All of them go on changing their stock.
  for (let round = 0; round < 100 && seen.size < 6; round += 1) {
    await fill(6, 1);
    const { messages, isFull } = await pass(100, 3);
    expect([messages.length, isFull]).toEqual([3, true]);
    for (const { merchantId } of messages) seen.add(merchantId);
  }
  expect(seen.size).toBe(6);
});

test('what a pass costs does not follow the messages that are there', async () => {
  await take();
  await fill(30, 200);
  const looks = await handle.db.transaction().execute(async (tx) => {
    expect((await takeMessages(tx, 100, 60)).messages).toHaveLength(60);
    const { rows } = await sql<{ looks: number }>`
      select (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as looks
      from pg_stat_xact_user_tables where relname = 'outbox_message'`.execute(tx);
    return rows[0]?.looks;
  });
  expect(looks).toBeGreaterThanOrEqual(60);
  expect(looks).toBeLessThan(400);
});

test('two relays take different messages, and one that fails leaves its own', async () => {
  for (let version = 1; version <= 4; version += 1) {
    await inspector.query(insert, ['a', 'A', version]);
  }
  const others: number[] = [];
  const failing = handle.db.transaction().execute(async (tx) => {
    const { messages: mine } = await takeMessages(tx, 2, 10_000);
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
