import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openWriterPool, type Command } from '../../src/stock/index.ts';
import { readBatch } from '../../src/stock/read-batch.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  adjust,
  count,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';

// What two processes do to each other, one step at a time: a lock held by the test stops a change
// where the test wants it.

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

/** Patient: what the test holds back for long is not given up. */
function openWriter(): TestWriter {
  const writer = openTestWriter(database.connectionString, { timeoutMs: 20_000 });
  onTestFinished(() => writer.close());
  return writer;
}

/** A connection in a transaction, which ends with the test at the latest. */
async function begin(): Promise<PoolClient> {
  const client = await inspector.connect();
  onTestFinished(async () => {
    await client.query('rollback');
    client.release();
  });
  await client.query('begin');
  return client;
}

/** Waits until so many statements that begin so wait for a lock. */
async function waitForWaiting(statement: string, times = 1): Promise<void> {
  await waitFor(
    async () => {
      const { rowCount } = await inspector.query(
        `select from pg_stat_activity where wait_event_type = 'Lock'
           and datname = current_database() and starts_with(ltrim(query, E' \\n'), $1)`,
        [statement],
      );
      return rowCount === times;
    },
    { what: `${times} × "${statement}" waits for a lock` },
  );
}

/** Which of the levels nobody has locked. */
async function unlocked(skus: readonly string[]): Promise<string[]> {
  const { rows } = await inspector.query<{ sku: string }>(
    'select sku from stock_level where sku = any ($1) order by sku for update skip locked',
    [skus],
  );
  return rows.map(({ sku }) => sku);
}

const lockLevel = `select from stock_level where sku = $1 for update`;

test('a change that was decided on figures that have moved is decided again', async () => {
  const [first, second] = [openWriter(), openWriter()];
  const sku = newSku();
  await first.writer.submitOne(count(sku, 10));
  const holder = await begin();
  await holder.query('lock table outbox_message in access exclusive mode');
  const sale = first.writer.submitOne(adjust(sku, -3));
  await waitForWaiting('select stock_commit');
  // Another quantity of the same level: the ledger's key would not notice.
  const purchase = second.writer.submitOne(adjust(sku, 5, { quantity: 'incoming' }));
  await waitForWaiting('select stock_commit', 2);
  await holder.query('commit');

  expect(await Promise.all([sale, purchase])).toMatchObject([
    { kind: 'applied' },
    { kind: 'applied' },
  ]);
  const { rows } = await inspector.query(
    'select on_hand, incoming, version from stock_level where sku = $1',
    [sku],
  );
  expect(rows).toEqual([{ on_hand: 7, incoming: 5, version: 3 }]);
});

/** Three levels whose names are in this order. */
async function threeLevels({ writer }: TestWriter): Promise<[a: string, m: string, z: string]> {
  const skus = ['a', 'm', 'z'].map((letter) => `${letter}-${newSku()}`);
  await writer.submit(skus.map((sku) => count(sku, 5)));
  return skus as [string, string, string];
}

/**
 * Stops what comes in the order z, m, a at m. Where levels are locked in their own order, it has a
 * by then and does not have z.
 */
async function expectLockOrder(
  [a, m, z]: [string, string, string],
  statement: string,
  act: (commands: Command[]) => Promise<unknown>,
): Promise<void> {
  const holder = await begin();
  await holder.query(lockLevel, [m]);
  const acted = act([z, m, a].map((sku) => adjust(sku, -1)));
  await waitForWaiting(statement);
  expect(await unlocked([a, m, z])).toEqual([z]);
  await holder.query('commit');
  await acted;
}

test('levels are written in one order, whatever the order of the commands', async () => {
  const writer = openWriter();
  const skus = await threeLevels(writer);
  await expectLockOrder(skus, 'select stock_commit', async (commands) => {
    const outcomes = await writer.writer.submit(commands);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
  });
});

test('levels are locked before the read in one order, whatever that of the commands', async () => {
  const skus = await threeLevels(openWriter());
  const pool = openWriterPool(database.connectionString, 20_000);
  onTestFinished(() => pool.end());
  const client = await pool.connect();
  onTestFinished(() => client.release(true));
  await client.query('begin');
  await expectLockOrder(skus, 'select from unnest', (commands) =>
    readBatch(client, commands, 0, true),
  );
});

test('a change and its message are there together or not at all', async () => {
  const { writer } = openWriter();
  const sku = newSku();
  await writer.submitOne(count(sku, 10));
  await inspector.query('truncate outbox_message');
  const holder = await begin();
  await holder.query('lock table outbox_message in access exclusive mode');
  const change = writer.submitOne(adjust(sku, -3));
  // Whatever writes the message waits now.
  await waitFor(
    async () => {
      const { rowCount } = await inspector.query(
        `select from pg_locks where relation = 'outbox_message'::regclass and not granted`,
      );
      return rowCount === 1;
    },
    { what: 'the message to be written' },
  );
  const versions = `select s.version as level, (select max(version) from ledger_entry e
      where e.sku = s.sku) as ledger from stock_level s where sku = $1`;
  expect((await inspector.query(versions, [sku])).rows).toEqual([{ level: 1, ledger: 1 }]);
  await holder.query('commit');
  await change;
  expect((await inspector.query(versions, [sku])).rows).toEqual([{ level: 2, ledger: 2 }]);
  const messages = 'select sku, version from outbox_message';
  expect((await inspector.query(messages)).rows).toEqual([{ sku, version: 2 }]);
});
