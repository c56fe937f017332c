import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

let app: TestApp;
let proxy: TcpProxy;
beforeAll(async () => {
  app = await startTestApp({
    through: async (connectionString) => {
      proxy = await startTcpProxy(connectionString);
      return proxy.connectionString;
    },
  });
});
afterAll(async () => {
  await app.close();
  await proxy.close();
});

const level = '/api/inventory/stores/main/inventory/lamp';

test('without the database requests get 503, and go on by themselves when it is back', async () => {
  const made = await app.call('POST', '/api/keys', { body: { name: 'till' } });
  await app.call('PUT', level, { body: { onHand: 5 } });
  proxy.shut();

  const requests: [string, string, object?][] = [
    ['GET', level],
    ['POST', `${level}/adjust`, { delta: 1 }],
    ['GET', '/api/stock'],
    ['GET', '/api/stores'],
    ['PUT', '/api/stores/other', {}],
    ['POST', '/api/mutations?dryRun=true', { mutations: [change] }],
    ['POST', '/api/reservations', { orderId: 'o', lines: [line] }],
    ['GET', '/api/reservations/rsv_x'],
  ];
  for (const [method, path, body] of requests) {
    for (const key of ['test-admin-key', made.get('key')]) {
      const answer = await app.call(method, path, body === undefined ? { key } : { key, body });
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'DATABASE.UNAVAILABLE' },
      });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|terminated/);
    }
  }
  const claimed = { body: { name: 'x' }, headers: { 'Idempotency-Key': 'k' } };
  expect(await app.call('POST', '/api/keys', claimed)).toMatchObject({ status: 503 });
  expect(await app.call('GET', '/api/health/readiness')).toMatchObject({ status: 503 });
  expect(await app.call('GET', '/api/health/liveness')).toMatchObject({ status: 200 });
  expect(await app.call('GET', '/metrics')).toMatchObject({ status: 200 });

  proxy.open();
  await waitFor(async () => (await app.call('GET', '/api/health/readiness')).status === 200, {
    what: 'readiness',
  });
  const answer = await app.call('POST', `${level}/adjust`, { body: { delta: 1 } });
  expect(answer).toMatchObject({ status: 200, body: { onHand: 6 } });
  expect(await app.call('GET', '/api/stock')).toMatchObject({ status: 200 });
});

const line = { storeId: 'main', sku: 'lamp', quantity: 1 };
const change = { id: 'm', type: 'adjust', storeId: 'main', sku: 'lamp', delta: 1 };
