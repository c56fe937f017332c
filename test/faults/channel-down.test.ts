import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { percentile, startReceiver, type Receiver } from '../support/receiver.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let inspector: Pool;
let service: Service;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  service = await startService({
    DATABASE_URL: database.connectionString,
    RETRY_BASE_MS: '20',
    RETRY_TIMES: '4',
    BREAKER_COOLDOWN_MS: '100',
  });
  await service.call('PUT', '/api/stores/main', {});
});

afterAll(async () => {
  await service.stop();
  await inspector.end();
  await database.drop();
});

const skus = Array.from({ length: 40 }, (_, i) => `down-${i}`);
const levelPath = (sku: string): string => `/api/inventory/stores/main/inventory/${sku}`;

async function connect(channelId: string): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const response = await service.call('PUT', `/api/channels/${channelId}`, {
    kind: 'webhook',
    config: { url: receiver.url },
  });
  const { credentials } = (await response.json()) as { credentials: { secret: string } };
  receiver.secret = credentials.secret;
  return receiver;
}

async function answer<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await (await service.call(method, path, body)).json()) as T;
}

/** Whether the receiver holds exactly what is available, for every SKU. */
async function isTrue(receiver: Receiver): Promise<boolean> {
  for (const sku of skus) {
    const level = await answer<{ available: number; version: number }>('GET', levelPath(sku));
    const shown = receiver.levels.get(`main ${sku}`);
    if (shown?.available !== level.available || shown.version !== level.version) return false;
  }
  return true;
}

const converges = (receiver: Receiver, what: string): Promise<unknown> =>
  waitFor(() => isTrue(receiver), { what });

type List = { items: unknown[] };
const redrive = (dryRun: boolean): Promise<{ redriven: number }> =>
  answer('POST', '/api/dead-letters/redrive', { channelId: 'down', dryRun });
const deadLetters = (): Promise<List> => answer('GET', '/api/dead-letters?channelId=down');

test('a dead channel gets dead letters, is redriven, and holds back no other', async () => {
  const down = await connect('down');
  const healthy = await connect('healthy');
  down.fail = () => 500;
  await Promise.all(skus.map((sku) => service.call('PUT', levelPath(sku), { onHand: 5 })));
  await converges(healthy, 'the healthy channel has everything');
  const earlier = healthy.lags.length;
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      skus.map((sku) => service.call('POST', `${levelPath(sku)}/adjust`, { delta: 1 + round })),
    );
  }
  await converges(healthy, 'the healthy channel is true while the other is away');
  expect(down.levels.size).toBe(0);
  await waitFor(
    async () => {
      const { items } = await answer<List>('GET', '/api/channels/down/listings?limit=1000');
      const pending = items.filter((item) => (item as { pending: boolean }).pending);
      const { items: dead } = await deadLetters();
      return pending.length === skus.length && dead.length > 0;
    },
    { what: 'its deliveries are given up' },
  );
  const lags = healthy.lags.slice(earlier);
  process.stdout.write(
    `healthy channel beside a dead one: lag p50 ${percentile(lags, 0.5)} ms, ` +
      `p99 ${percentile(lags, 0.99)} ms over ${lags.length} changes\n`,
  );

  expect((await redrive(true)).redriven).toBeGreaterThan(0);
  expect((await deadLetters()).items.length).toBeGreaterThan(0);
  expect(down.levels.size).toBe(0);

  down.fail = () => undefined;
  let redriven = 0;
  // A call that was under way may still fail, and be given up, after the first redrive.
  await waitFor(
    async () => {
      redriven += (await redrive(false)).redriven;
      return isTrue(down);
    },
    { what: 'the redriven channel is true' },
  );
  expect(redriven).toBeGreaterThan(0);
  expect((await deadLetters()).items).toEqual([]);
  expect([...down.wentBack, ...healthy.wentBack]).toEqual([]);
  expect(down.unsigned + healthy.unsigned).toBe(0);
  await expectCleanAudit(inspector);
});
