import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openInspector } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { orderFile, row } from './order-fixture.ts';
import { realOrders } from './real-orders.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
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

/** Starts `onhand replay orders` as a process of its own. */
function startReplay(file: string, store: string, concurrency: number) {
  const args = [main, 'replay', 'orders', file, '--store', store];
  const child = spawn(process.execPath, [...args, '--concurrency', String(concurrency)], {
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      ENCRYPTION_KEY: '0'.repeat(64),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function runToEnd(file: string, store: string, concurrency: number): Promise<string> {
  const { child, output } = startReplay(file, store, concurrency);
  const [code] = (await once(child, 'exit')) as [number | null];
  expect({ code, output: output() }).toMatchObject({ code: 0 });
  return output();
}

async function levelsOf(store: string): Promise<unknown> {
  const { rows } = await pool.query(
    `select sku, on_hand, reserved from stock_level where location_id = $1 order by sku`,
    [store],
  );
  return rows;
}

async function countOrders(store: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*) from replay_order where location_id = $1',
    [store],
  );
  return rows[0]?.count ?? 0;
}

/** Enough orders that none of the kills comes too late, where the real ones are not there. */
function madeUpOrders(): string[] {
  return Array.from({ length: 400 }, (_, i) => {
    const invoice = i % 9 === 8 ? `C${i}` : String(i);
    const sign = i % 9 === 8 ? -1 : 1;
    return [0, 1, 2].map((n) => row(invoice, String(10_000 + ((i * 7 + n) % 40)), sign * (1 + n)));
  }).flat();
}

test('kill -9 in the middle, again and again: the same stock as an undisturbed run', async () => {
  const file = realOrders ?? (await orderFile(madeUpOrders()));
  await runToEnd(file, 'calm', 20);
  const calm = await levelsOf('calm');
  const orders = await countOrders('calm');

  let kills = 0;
  for (const share of [0.05, 0.4, 0.8]) {
    const { child } = startReplay(file, 'killed', 3);
    const exit = once(child, 'exit');
    await waitFor(
      async () => child.exitCode !== null || (await countOrders('killed')) > orders * share,
      { what: `${share} of the orders are begun` },
    );
    child.kill('SIGKILL');
    const [, signal] = (await exit) as [number | null, NodeJS.Signals | null];
    if (signal === 'SIGKILL') kills += 1;
  }
  expect(kills).toBe(3);
  const report = await runToEnd(file, 'killed', 20);
  expect(report).toMatch(/^audit +clean/m);
  expect(await levelsOf('killed')).toEqual(calm);
  await expectCleanAudit(pool);

  const { rows: before } = await pool.query('select count(*) from ledger_entry');
  expect(await runToEnd(file, 'killed', 20)).toMatch(/^applied +0$/m);
  expect((await pool.query('select count(*) from ledger_entry')).rows).toEqual(before);
});
