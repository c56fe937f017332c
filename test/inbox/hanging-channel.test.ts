import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  editPayload,
  signedOrderWebhook,
  signedWebhook,
} from '../../emulators/shopify/webhooks.ts';
import { signedOrderWebhook as namedOrder } from '../../emulators/square/webhooks.ts';
import { startStore, type Store } from '../../emulators/woocommerce/store.ts';
import { signedOrderWebhook as storeOrder } from '../../emulators/woocommerce/webhooks.ts';
import { waitFor } from '../support/wait-for.ts';
import { VendorRig } from './vendor-rig.ts';

// Orders of others while a channel takes requests and answers none of them.

const secret = 'of-the-webhook';
const notificationUrl = 'https://us.example/api/webhooks/till';

let rig: VendorRig;
let store: Store;
let silent: Server;
const asked: string[] = [];

beforeAll(async () => {
  rig = await VendorRig.open();
  store = await startStore({ seed: { skus: { tee: 100 } } });
  silent = createServer(({ url = '' }) => void asked.push(url));
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const { config, credentials } = store;
  const channel = {
    kind: 'woocommerce',
    config,
    credentials: { ...credentials, webhookSecret: secret },
  };
  await rig.connect('store', channel, { tee: 100 }, (sku) => store.idsOf(sku));
});

afterAll(async () => {
  silent?.closeAllConnections();
  silent?.close();
  await rig?.close();
  await store?.server.stop();
});

const baseUrl = (): string => `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;

/** A till that answers nothing has 64 orders. */
async function sellAt(till: string, timeoutMs: number): Promise<void> {
  await rig.api('PUT', `/api/channels/${till}`, {
    kind: 'square',
    config: { baseUrl: baseUrl(), notificationUrl },
    credentials: { accessToken: 'a', webhookSignatureKey: secret },
    timeoutMs,
  });
  const order = { location_id: 'L', state: 'OPEN', version: 1, line_items: [] } as const;
  for (let i = 0; i < 64; i += 1) {
    const named = { ...order, id: `${till}-${i}`, updated_at: new Date().toISOString() };
    const webhook = namedOrder(named, { signatureKey: secret, notificationUrl });
    expect(await rig.send(till, webhook)).toBe(200);
  }
}

async function soldInStore(id: number, quantity: number): Promise<void> {
  const { onHand } = await rig.levelOf('tee');
  const ids = store.idsOf('tee') as { productId: number };
  const line = { id: 1, ...ids, sku: 'tee', quantity };
  const modifiedAt = new Date(Date.now() + 5_000).toISOString().slice(0, 19);
  const order = { id, status: 'processing', modifiedAt, lines: [line] };
  expect(await rig.send('store', storeOrder(order, secret))).toBe(200);
  await waitFor(async () => (await rig.levelOf('tee'))['onHand'] === Number(onHand) - quantity, {
    what: 'the order of the store',
  });
}

const ordersAsked = (till: string): number => {
  return asked.filter((url) => url.startsWith(`/v2/orders/${till}-`)).length;
};

test('one order that a channel does not tell is enough to let the others wait along', async () => {
  await sellAt('slow', 2_000);
  await waitFor(
    async () => {
      const { rowCount } = await rig.inspector.query(
        "select from inbox_webhook where channel_id = 'slow' and error_code is null",
      );
      return rowCount === 0;
    },
    { what: 'all of them to wait' },
  );
  const { rows } = await rig.inspector.query<{ tried: number }>(
    `select count(*) filter (where unread > 0)::integer as tried
     from inbox_webhook where channel_id = 'slow'`,
  );
  expect(rows[0]?.tried).toBeLessThanOrEqual(8);
  expect(ordersAsked('slow')).toBeLessThanOrEqual(8);
});

test('a channel that does not answer holds up nobody else’s orders', async () => {
  await sellAt('till', 60_000);
  await soldInStore(1, 3);
  // The first two are still being waited for.
  expect(ordersAsked('till')).toBeLessThanOrEqual(2);
  expect(await rig.ends('till')).toEqual({ waiting: 64 });
});

test('what a channel tells whole does not wait for what it has to be asked for', async () => {
  await rig.api('PUT', '/api/channels/shop', {
    kind: 'shopify',
    config: { shopDomain: 'onhand-test.myshopify.com', baseUrl: baseUrl() },
    credentials: { accessToken: 'a', webhookSecret: secret },
    timeoutMs: 60_000,
  });
  const order = {
    id: 1,
    locationId: 'gid://shopify/Location/1',
    financialStatus: 'paid' as const,
    cancelledAt: null,
    updatedAt: new Date().toISOString(),
    lines: [],
    refunds: [],
  };
  for (let id = 1; id <= 10; id += 1) {
    const payload = editPayload({ ...order, id });
    const webhook = signedWebhook(payload, { topic: 'orders/edited', secret });
    expect(await rig.send('shop', webhook)).toBe(200);
  }
  const made = signedOrderWebhook(order, secret, { topic: 'orders/create' });
  expect(await rig.send('shop', made)).toBe(200);
  await waitFor(async () => (await rig.ends('shop'))['done'] === 1, { what: 'the order' });
  expect(await rig.ends('shop')).toEqual({ done: 1, waiting: 10 });
});
