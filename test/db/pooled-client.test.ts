import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/index.ts';
import { PooledClient } from '../../src/db/pooled-client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ connectionString: database.connectionString, poolSize: 1 });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('pools open such clients, which answer with and without values', async () => {
  const client = await pool.connect();
  const plain = await client.query('select 1 as one');
  const valued = await client.query('select $1::int as two', [2]);
  const named = await client.query({ name: 'three', text: 'select $1::int', values: [3] });
  client.release();
  expect(client).toBeInstanceOf(PooledClient);
  expect([plain.rows, valued.rows, named.rowCount]).toEqual([[{ one: 1 }], [{ two: 2 }], 1]);
});

test('a callback is called, with or without values before it', async () => {
  const client = await pool.connect();
  const found = await Promise.all([
    new Promise((resolve) => client.query('select 1 as n', (_, result) => resolve(result.rows[0]))),
    new Promise((resolve) =>
      client.query('select $1::int as n', [2], (_, result) => resolve(result.rows[0])),
    ),
  ]);
  client.release();
  expect(found).toEqual([{ n: 1 }, { n: 2 }]);
});

async function askForNothing(): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('select nothing');
  } finally {
    client.release();
  }
}

test('a refused query rejects with what Postgres says, and leads to who asked', async () => {
  const error: unknown = await askForNothing().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: '42703' });
  expect((error as Error).stack).toContain('askForNothing');
});
