import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startService, type Service } from '../support/service.ts';

/** Two processes of the service on one database, as a larger shop runs it. */
let database: TestDatabase;
let inspector: Pool;
let services: Service[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  const env = { DATABASE_URL: database.connectionString };
  services = await Promise.all([startService(env), startService(env)]);
  await anyService(0).call('PUT', '/api/stores/main', {});
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await inspector.end();
  await database.drop();
});

function anyService(request: number): Service {
  const service = services[request % services.length];
  if (service === undefined) throw new Error('no service runs');
  return service;
}

const level = (sku: string): string => `/api/inventory/stores/main/inventory/${sku}`;

test('300 buyers of 100 pieces: exactly 100 reservations, 200 refusals, no fault', async () => {
  await anyService(0).call('PUT', level('rush'), { onHand: 100 });
  const answers = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const lines = [{ storeId: 'main', sku: 'rush', quantity: 1 }];
      const response = await anyService(i).call('POST', '/api/reservations', {
        orderId: `order-${i}`,
        lines,
      });
      const body = (await response.json()) as { code?: string };
      return `${response.status} ${body.code ?? ''}`.trim();
    }),
  );
  const counts = Object.groupBy(answers, (answer) => answer);
  expect(Object.fromEntries(Object.entries(counts).map(([k, v]) => [k, v?.length]))).toEqual({
    '201': 100,
    '409 STOCK.INSUFFICIENT': 200,
  });
  const response = await anyService(1).call('GET', level('rush'));
  expect(await response.json()).toMatchObject({ onHand: 100, reserved: 100, available: 0 });
  await expectCleanAudit(inspector);
});

test('1,000 adjustments, each sent three times at once with its key, apply once', async () => {
  const skus = Array.from({ length: 20 }, (_, i) => `thrice-${i}`);
  for (const sku of skus) await anyService(0).call('PUT', level(sku), { onHand: 1_000 });
  const differing: string[] = [];
  const sendThrice = async (i: number): Promise<void> => {
    const sku = skus[i % skus.length] ?? '';
    const answers = await Promise.all(
      [0, 1, 2].map(async (turn) => {
        const response = await anyService(i + turn).call(
          'POST',
          `${level(sku)}/adjust`,
          { delta: -1 },
          { 'idempotency-key': `thrice-${i}` },
        );
        return `${response.status} ${await response.text()}`;
      }),
    );
    if (!answers[0]?.startsWith('200 ') || new Set(answers).size > 1) differing.push(...answers);
  };
  for (let i = 0; i < 1_000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => sendThrice(i + j)));
  }
  expect(differing).toEqual([]);
  for (const sku of skus) {
    const response = await anyService(0).call('GET', level(sku));
    expect(await response.json()).toMatchObject({ onHand: 950, version: 51 });
  }
  await expectCleanAudit(inspector);
});
