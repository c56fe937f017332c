import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const realOrders = fileURLToPath(
  new URL('../../../shared/data/orders/online-retail-2010-12-part1.csv', import.meta.url),
);

let folder: string;
let orders: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onhand-replay-'));
  orders = realOrders;
  if (existsSync(realOrders)) return;
  process.stdout.write('the file of real orders is not there: replaying made-up ones\n');
  orders = join(folder, 'orders.csv');
  await writeFile(orders, madeUpOrders());
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Orders in the same format, for a machine without the file. */
function madeUpOrders(): string {
  const head =
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
  const rows = Array.from({ length: 3_000 }, (_, i) => {
    const invoice = 536_000 + Math.floor(i / 20);
    const sku = 20_000 + ((i * 7_919) % 400);
    return `${invoice},${sku},LAMP,${1 + (i % 9)},2010-12-01T08:26:00Z,2.55,17850,France`;
  });
  return head + rows.join('\n');
}

type Scene = { readonly url: string; readonly pool: Pool; readonly receiver: Receiver };

/** A database with a service, and a channel that fails one call in three. */
async function openScene(): Promise<Scene & { readonly service: Service }> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const pool = createPool({ connectionString: database.connectionString });
  onTestFinished(() => pool.end());
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  receiver.fail = () => (Math.random() < 1 / 3 ? 503 : undefined);
  const service = await serve(database.connectionString);
  const response = await service.call('PUT', '/api/channels/shop', {
    kind: 'webhook',
    config: { url: receiver.url },
  });
  const { credentials } = (await response.json()) as { credentials: { secret: string } };
  receiver.secret = credentials.secret;
  return { url: database.connectionString, pool, receiver, service };
}

async function serve(url: string): Promise<Service> {
  // Calls fail by chance: a few unlucky ones must neither rest the channel for long nor kill a job.
  const patience = { BREAKER_COOLDOWN_MS: '100', RETRY_TIMES: '50' };
  const service = await startService({ DATABASE_URL: url, RETRY_BASE_MS: '20', ...patience });
  onTestFinished(async () => void (await service.stop()));
  return service;
}

/** Replays the orders in a process of its own. @returns its exit code, null when it was killed */
async function replay(url: string, killWhen?: () => Promise<boolean>): Promise<number | null> {
  const env = { ...process.env, DATABASE_URL: url };
  const child = spawn(process.execPath, [main, 'replay', 'orders', orders], {
    env,
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  if (killWhen !== undefined) {
    await waitFor(async () => child.exitCode !== null || (await killWhen()), {
      what: 'the replay is under way',
    });
    child.kill('SIGKILL');
  }
  await exit;
  return child.exitCode;
}

type Levels = Map<string, { onHand: number; available: number; version: number }>;

async function levelsOf(pool: Pool): Promise<Levels> {
  const { rows } = await pool.query<{ id: string; on_hand: number; free: number; version: number }>(
    `select location_id || ' ' || sku as id, on_hand, greatest(0, on_hand - reserved) as free,
       version from stock_level`,
  );
  return new Map(
    rows.map((row) => [row.id, { onHand: row.on_hand, available: row.free, version: row.version }]),
  );
}

function onHandOf(levels: Levels): Record<string, number> {
  return Object.fromEntries([...levels].map(([id, level]) => [id, level.onHand]));
}

async function entries(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from ledger_entry');
  return rows[0]?.count ?? 0;
}

/** Waits until the channel holds exactly what is available, for every SKU. */
async function converges({ pool, receiver }: Scene): Promise<void> {
  const levels = await levelsOf(pool);
  expect(levels.size).toBeGreaterThan(100);
  await waitFor(
    () =>
      [...levels].every(([id, { available, version }]) => {
        const shown = receiver.levels.get(id);
        return shown?.version === version && shown.available === available;
      }),
    { what: 'the channel holds what is available' },
  );
  expect(receiver.wentBack).toEqual([]);
  expect(receiver.unsigned).toBe(0);
}

test(
  'replayed orders reach a failing channel exactly; again, or after kill -9, they change nothing',
  { timeout: 300_000 },
  async () => {
    const calm = await openScene();
    expect(await replay(calm.url)).toBe(0);
    await converges(calm);
    await expectCleanAudit(calm.pool);
    const before = await entries(calm.pool);
    expect(await replay(calm.url)).toBe(0);
    expect(await entries(calm.pool)).toBe(before);

    const storm = await openScene();
    let { service } = storm;
    for (const share of [0.3, 0.7]) {
      const due = before * share;
      await replay(storm.url, async () => (await entries(storm.pool)) > due);
      // The service dies in the middle too, with deliveries under way.
      await service.kill();
      service = await serve(storm.url);
    }
    expect(await replay(storm.url)).toBe(0);
    expect(onHandOf(await levelsOf(storm.pool))).toEqual(onHandOf(await levelsOf(calm.pool)));
    await converges(storm);
    await expectCleanAudit(storm.pool);
  },
);
