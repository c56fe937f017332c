import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let inspector: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
});

afterAll(async () => {
  await inspector.end();
  await database.drop();
});

const skus = Array.from({ length: 10 }, (_, i) => `killed-${i}`);
const levelPath = (sku: string): string => `/api/inventory/stores/main/inventory/${sku}`;

async function connect(service: Service, receiver: Receiver): Promise<void> {
  const response = await service.call('PUT', '/api/channels/shop', {
    kind: 'webhook',
    config: { url: receiver.url },
  });
  const { credentials } = (await response.json()) as { credentials: { secret: string } };
  receiver.secret = credentials.secret;
}

test(
  'kill -9 under load: nothing lost or doubled, all true again',
  { timeout: 300_000 },
  async () => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver.close());
    let calls = 0;
    receiver.fail = () => ((calls += 1) % 3 === 0 ? 500 : undefined);
    const env = { DATABASE_URL: database.connectionString, RETRY_BASE_MS: '50' };
    let service = await startService(env);
    onTestFinished(async () => void (await service.stop()));
    await service.call('PUT', '/api/stores/main', {});
    await connect(service, receiver);
    for (const sku of skus) await service.call('PUT', levelPath(sku), { onHand: 1_000 });

    // Each change is sent until it is answered, with its key, whatever happens to the service.
    let answered = 0;
    let unknown = 0;
    const change = async (i: number): Promise<void> => {
      const path = `${levelPath(skus[i % skus.length] ?? '')}/adjust`;
      await waitFor(
        async () => {
          try {
            const key = { 'idempotency-key': `kill-${i}` };
            const response = await service.call('POST', path, { delta: -1 }, key);
            await response.arrayBuffer();
            return response.status === 200;
          } catch {
            unknown += 1;
            return false;
          }
        },
        { what: `change ${i} is answered` },
      );
      answered += 1;
    };
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let i = client; i < 800; i += 16) await change(i);
    });
    for (const due of [150, 400]) {
      await waitFor(() => answered >= due, { what: `${due} answers` });
      await service.kill();
      service = await startService(env);
    }
    await Promise.all(clients);
    expect(unknown).toBeGreaterThan(0);

    for (const sku of skus) {
      const response = await service.call('GET', levelPath(sku));
      const level = (await response.json()) as { onHand: number; version: number };
      expect(level).toMatchObject({ onHand: 920, version: 81 });
      await waitFor(() => receiver.levels.get(`main ${sku}`)?.version === 81, {
        what: `${sku} reaches the channel`,
      });
      expect(receiver.levels.get(`main ${sku}`)).toMatchObject({ available: 920 });
    }
    expect(receiver.wentBack).toEqual([]);
    expect(receiver.unsigned).toBe(0);
    await expectCleanAudit(inspector);
  },
);
