import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createHook, deliver } from '../../../emulators/woocommerce/send-webhooks.ts';
import { startStore, type Store, type StoreOptions } from '../../../emulators/woocommerce/store.ts';
import { skus } from './store-rig.ts';

async function open(options: StoreOptions = {}): Promise<Store> {
  const store = await startStore(options);
  onTestFinished(() => store.server.stop());
  return store;
}

async function post(store: Store, path: string, body: unknown): Promise<[number, unknown]> {
  const { consumerKey, consumerSecret } = store.credentials;
  const key = Buffer.from(`${consumerKey}:${consumerSecret}`).toString('base64');
  const response = await fetch(`${store.server.url}/wp-json/wc/v3/${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

test('101 items are too many', async () => {
  const store = await open({ seed: { skus: skus(101, 1) } });
  const update = Object.values(store.state.products).map(({ id }) => ({ id, stock_quantity: 2 }));
  const [status, body] = await post(store, 'products/batch', { update });
  expect([status, body]).toMatchObject([
    413,
    { code: 'woocommerce_rest_request_entity_too_large', data: { status: 413 } },
  ]);
  expect(store.state.writes).toEqual([]);
});

test('a quantity without management is dropped in silence', async () => {
  const store = await open({ seed: { skus: { A: 1 } } });
  const { productId: id } = store.idsOf('A');
  const update = [{ id, manage_stock: false, stock_quantity: 9 }];
  const [status, body] = await post(store, 'products/batch', { update });
  expect([status, body]).toMatchObject([
    200,
    { update: [{ id, manage_stock: false, stock_quantity: null }] },
  ]);
  expect(store.state.writes).toEqual([]);
});

test('a quantity that is text is an error of its item alone', async () => {
  const store = await open({ seed: { skus: { A: 1, B: 1 } } });
  const update = ['A', 'B'].map((sku, i) => {
    return { id: store.idsOf(sku).productId, stock_quantity: i === 0 ? '5' : 5 };
  });
  const [status, body] = await post(store, 'products/batch', { update });
  expect([status, body]).toMatchObject([
    200,
    { update: [{ error: { code: 'rest_invalid_param' } }, { stock_quantity: 5 }] },
  ]);
});

test('what was written is there after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-store-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const stateFile = join(folder, 'state.json');
  const store = await open({ seed: { skus: { A: 1 } }, stateFile });
  const update = [{ id: store.idsOf('A').productId, manage_stock: true, stock_quantity: 6 }];
  await post(store, 'products/batch', { update });
  await store.server.stop();
  const again = await open({ stateFile });
  expect(again.stockOf('A')).toBe(6);
  expect(again.history('A')).toMatchObject([{ from: 1, to: 6, by: 'api' }]);
});

test('a webhook begins with a ping, and ends after more than five failures in a row', async () => {
  const store = await open();
  let status = 500;
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const deliveryUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const hook = { topic: 'order.updated', deliveryUrl, secret: 's' };
  expect(await createHook(store.state, hook)).toBeUndefined();
  status = 200;
  const created = await createHook(store.state, hook);
  expect(bodies.at(-1)).toBe(`webhook_id=${created?.id ?? ''}`);
  status = 503;
  for (let i = 0; i < 5; i += 1) await deliver(store.state, 'order.updated', { id: i });
  expect(created).toMatchObject({ status: 'active', failures: 5 });
  status = 200;
  await deliver(store.state, 'order.updated', { id: 6 });
  expect(created?.failures).toBe(0);
  status = 503;
  for (let i = 0; i < 8; i += 1) await deliver(store.state, 'order.updated', { id: i });
  expect(created).toMatchObject({ status: 'disabled', failures: 6 });
  // Two pings, six webhooks, and six of the eight: what failed was not sent again.
  expect(bodies).toHaveLength(14);
});
