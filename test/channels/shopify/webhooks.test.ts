import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  addToOrder,
  cancelOrder,
  payOrder,
  placeOrder,
  refundOrder,
} from '../../../emulators/shopify/orders.ts';
import { sendWebhooks } from '../../../emulators/shopify/send-webhooks.ts';
import {
  forged,
  levelPayload,
  orderPayload,
  signedOrderWebhook,
  signedWebhook,
  type SignedWebhook,
} from '../../../emulators/shopify/webhooks.ts';
import type {
  Authentication,
  InboundEvent,
  InboundWebhook,
} from '../../../src/channels/adapter.ts';
import { ShopRig, skus, webhookSecret as secret } from './shop-rig.ts';

let rig: ShopRig;

beforeAll(async () => {
  rig = await ShopRig.open({ seed: { skus: skus(5, 100) } });
});

afterAll(() => rig.close());

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));
const itemId = (sku: string): string => rig.shop.idsOf(sku).inventoryItemId;

function judge(
  webhook: SignedWebhook,
  webhookSecret: string | string[] | undefined = secret,
): Authentication | undefined {
  const inbound: InboundWebhook = { ...webhook, url: 'https://onhand.example.com/hook' };
  const context = rig.context({ credentials: { accessToken: 'shpat', webhookSecret } });
  return rig.adapter.authenticate?.(inbound, context);
}

function tell(topic: string, payload: unknown, triggeredAt?: Date): readonly InboundEvent[] {
  const more = triggeredAt === undefined ? {} : { triggeredAt };
  const webhook = signedWebhook(payload, { topic, secret, ...more });
  return rig.adapter.translate?.(topic, webhook, rig.config) ?? [];
}

test('a webhook is taken when the body is signed with one of the secrets', () => {
  const webhook = signedWebhook({ id: 1 }, { topic: 'orders/create', secret, webhookId: 'w-1' });
  const taken = { ok: true, webhookId: 'w-1', topic: 'orders/create' };
  expect(judge(webhook)).toEqual(taken);
  expect(judge(webhook, ['shpss_new', secret])).toEqual(taken);
  expect(judge(webhook, [secret, 'shpss_new'])).toEqual(taken);
});

test('a forged, changed, foreign or incomplete webhook is not taken', () => {
  const webhook = signedWebhook({ id: 1 }, { topic: 'orders/create', secret });
  const refused = { ok: false };
  const { headers, body } = webhook;
  const without = (name: string): SignedWebhook => {
    return {
      headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)),
      body,
    };
  };
  expect(judge(forged(webhook))).toEqual(refused);
  expect(judge({ headers, body: Buffer.from(body.toString().replace('1', '2')) })).toEqual(refused);
  expect(judge({ headers, body: Buffer.concat([body, Buffer.from(' ')]) })).toEqual(refused);
  expect(judge(webhook, ['shpss_new', 'shpss_newer'])).toEqual(refused);
  expect(judge(webhook, [])).toEqual(refused);
  expect(judge(without('x-shopify-hmac-sha256'))).toEqual(refused);
  expect(judge(without('x-shopify-topic'))).toEqual(refused);
  const foreign = { topic: 'orders/create', secret, shopDomain: 'another.myshopify.com' };
  expect(judge(signedWebhook({ id: 1 }, foreign))).toEqual(refused);
});

/** Judges a webhook without some of its headers. */
function judgeBare(payload: object, ...names: readonly string[]): unknown {
  const webhook = signedWebhook(payload, { topic: 'orders/create', secret });
  const kept = Object.entries(webhook.headers).filter(([name]) => !names.includes(name));
  return judge({ headers: Object.fromEntries(kept), body: webhook.body });
}

test('without its id a webhook is known by the event, else by what it says', () => {
  const ids = ['x-shopify-webhook-id', 'x-shopify-event-id'];
  expect(judgeBare({ id: 1 }, ...ids.slice(0, 1))).toMatchObject({ ok: true });
  const bare = judgeBare({ id: 1 }, ...ids, 'x-shopify-shop-domain');
  expect(bare).toMatchObject({ ok: true, topic: 'orders/create' });
  expect(judgeBare({ id: 1 }, ...ids)).toEqual(bare);
  expect(judgeBare({ id: 2 }, ...ids)).not.toEqual(bare);
});

test('without a secret nothing is taken', () => {
  const webhook = signedWebhook({ id: 1 }, { topic: 'orders/create', secret: '' });
  const context = rig.context({ credentials: { accessToken: 'shpat' } });
  const inbound = { ...webhook, url: 'https://onhand.example.com/hook' };
  expect(rig.adapter.authenticate?.(inbound, context)).toEqual({ ok: false });
});

test('an order is told as it stands: made, paid, edited, refunded, cancelled', () => {
  const { state } = rig.shop;
  const lines = [
    { itemId: itemId('S0'), quantity: 3 },
    { itemId: itemId('S1'), quantity: 2 },
  ];
  const order = placeOrder(state, { lines, at: at(1), isPaid: false });
  const line = (index: number, sku: string, quantity: number) => ({
    lineId: String(order.id * 100 + index),
    listingKey: null,
    sku,
    locationId: null,
    quantity,
  });
  const toldAs = (topic: string) => tell(topic, orderPayload(order))[0];
  expect(toldAs('orders/create')).toEqual({
    kind: 'order',
    orderId: String(order.id),
    status: 'pending',
    revision: at(1).getTime(),
    progress: 5,
    refundIds: [],
    occurredAt: at(1),
    lines: [line(0, 'S0', 3), line(1, 'S1', 2)],
  });
  payOrder(order, at(2));
  expect(toldAs('orders/paid')).toMatchObject({ status: 'confirmed', revision: at(2).getTime() });

  addToOrder(state, order, { itemId: itemId('S2'), quantity: 4 }, at(3));
  const lineId = order.id * 100;
  refundOrder(state, order, { lineId, quantity: 1, restockType: 'cancel' }, at(4));
  const edited = [line(0, 'S0', 2), line(1, 'S1', 2), line(2, 'S2', 4)];
  expect(toldAs('orders/updated')).toMatchObject({ status: 'confirmed', lines: edited });

  // One more is given back for its money but stays away: it is gone from stock all the same.
  refundOrder(state, order, { lineId, quantity: 1, restockType: 'no_restock' }, at(5));
  expect(toldAs('orders/updated')).toMatchObject({ lines: edited });

  cancelOrder(state, order, at(6));
  expect(toldAs('orders/cancelled')).toMatchObject({
    status: 'confirmed',
    revision: at(6).getTime(),
    lines: [line(0, 'S0', 1), line(1, 'S1', 0), line(2, 'S2', 0)],
  });
  expect(rig.shop.available('S0')).toBe(99);
  expect(rig.shop.available('S2')).toBe(100);
});

test('a cancelled order takes what was not put back', () => {
  const { state } = rig.shop;
  const lines = [{ itemId: itemId('S3'), quantity: 3 }];
  const back = placeOrder(state, { lines, at: at(1) });
  cancelOrder(state, back, at(2));
  expect(tell('orders/cancelled', orderPayload(back))).toMatchObject([
    { status: 'cancelled', lines: [{ quantity: 0 }] },
  ]);
  const lost = placeOrder(state, { lines, at: at(1) });
  cancelOrder(state, lost, at(2), false);
  expect(tell('orders/updated', orderPayload(lost))).toMatchObject([
    { status: 'confirmed', lines: [{ quantity: 3 }] },
  ]);
  expect(rig.shop.available('S3')).toBe(97);
});

test.each([
  ['pending', null, 'pending'],
  ['voided', null, 'pending'],
  [null, null, 'pending'],
  ['pending', 'partial', 'confirmed'],
  ['authorized', null, 'confirmed'],
  ['partially_paid', null, 'confirmed'],
  ['paid', null, 'confirmed'],
])('an order that is %s and fulfilled %s is %s', (financial, fulfillment, expected) => {
  const order = placeOrder(rig.shop.state, { lines: [], at: at(1) });
  const payload = {
    ...orderPayload(order),
    financial_status: financial,
    fulfillment_status: fulfillment,
  };
  expect(tell('orders/updated', payload)).toMatchObject([{ status: expected }]);
});

test('ids that are longer than JSON’s numbers are exact keep their digits', () => {
  const order = placeOrder(rig.shop.state, { lines: [], at: at(1) });
  const text = JSON.stringify(orderPayload(order)).replaceAll(
    String(order.id),
    '820982911946154508',
  );
  const webhook = { headers: {}, body: Buffer.from(text) };
  const told = rig.adapter.translate?.('orders/create', webhook, rig.config);
  expect(told).toMatchObject([{ orderId: '820982911946154508' }]);
  const level =
    '{"inventory_item_id":271878346596884015,"location_id":24826418,"available":6,' +
    '"updated_at":"2026-11-21T12:00:00Z","admin_graphql_api_id":' +
    '"gid://shopify/InventoryLevel/24826418?inventory_item_id=271878346596884015"}';
  const shown = { headers: {}, body: Buffer.from(level) };
  expect(rig.adapter.translate?.('inventory_levels/update', shown, rig.config)).toMatchObject([
    { listingKey: expect.stringContaining('/271878346596884015 ') },
  ]);
});

test('a level that was changed is told under the key of its listing', () => {
  const { inventoryItemId, locationId } = rig.shop.idsOf('S4');
  const level = { itemId: inventoryItemId, locationId, available: 7, updatedAt: at(9) };
  expect(tell('inventory_levels/update', levelPayload(level))).toEqual([
    {
      kind: 'shown',
      listingKey: rig.adapter.listingKey?.({ inventoryItemId, locationId }),
      quantity: 7,
      occurredAt: at(9),
    },
  ]);
  const uncounted = { ...levelPayload(level), available: null };
  expect(tell('inventory_levels/update', uncounted)).toEqual([]);
});

test('what tells only a step, or nothing of stock, tells nothing', () => {
  const topics = ['app/uninstalled', 'products/update', 'x'];
  for (const topic of topics) expect(tell(topic, { id: 1 })).toEqual([]);
});

test.each([
  ['orders/create', '{"id":1', /JSON/],
  ['orders/create', '{"id":1}', /line_items/],
  ['orders/updated', '{"id":1,"updated_at":"soon","line_items":[]}', /updated_at/],
  ['inventory_levels/update', '{"available":"many"}', /available/],
  ['refunds/create', '{"id":1}', /order_id/],
  ['orders/edited', '{"id":1}', /order_edit/],
])('a poisonous %s %s is not taken for nothing', (topic, body, problem) => {
  const webhook = { headers: {}, body: Buffer.from(body) };
  expect(() => rig.adapter.translate?.(topic, webhook, rig.config)).toThrow(problem);
});

test('webhooks arrive twice, shuffled and forged, and again after a failure', async () => {
  const received: InboundWebhook[] = [];
  let failures = 3;
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const names = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
      const headers = Object.fromEntries(names) as Record<string, string>;
      const webhook = { headers, body: Buffer.concat(chunks), url: '' };
      if (judge(webhook)?.ok !== true) response.writeHead(401).end();
      else if (failures > 0) {
        failures -= 1;
        response.writeHead(500).end();
      } else {
        received.push(webhook);
        response.writeHead(200).end();
      }
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const webhooks = Array.from({ length: 20 }, (_, i) => {
    const lines = [{ itemId: itemId('S4'), quantity: 1 }];
    const order = placeOrder(rig.shop.state, { lines, at: at(i) });
    return signedOrderWebhook(order, secret, { topic: 'orders/create' });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const sent = await sendWebhooks(url, webhooks, { copies: 2, forgedShare: 0.1, shuffleSeed: 3 });
  expect(sent.filter(({ isForged }) => isForged).map(({ status }) => status)).toEqual([401, 401]);
  expect(received).toHaveLength(40);
  const ids = received.map(({ headers }) => headers['x-shopify-webhook-id']);
  expect(new Set(ids).size).toBe(20);
  const inOrder = webhooks.map(({ headers }) => headers['x-shopify-webhook-id']);
  expect(ids.filter((id, index) => ids.indexOf(id) === index)).not.toEqual(inOrder);
  const tries = sent.filter(({ isForged }) => !isForged).map((one) => one.tries);
  expect(tries.reduce((sum, one) => sum + one, 0)).toBe(43);
});

test('lines of no product, as tips and what staff made up, are left out', () => {
  const order = placeOrder(rig.shop.state, {
    lines: [{ itemId: itemId('S0'), quantity: 3 }],
    at: at(1),
    isPaid: true,
  });
  const payload = orderPayload(order);
  const [line] = payload['line_items'] as object[];
  const others = [
    { ...line, id: 1, admin_graphql_api_id: undefined, sku: null, variant_id: null },
    { ...line, id: 2, admin_graphql_api_id: undefined, sku: 'OF-STAFF', variant_id: null },
    { ...line, id: 3, admin_graphql_api_id: undefined, sku: '', variant_id: 7 },
  ];
  const told = { ...payload, line_items: [line, ...others] };
  const [event] = tell('orders/create', told);
  expect(event).toMatchObject({
    lines: [{ sku: 'S0', quantity: 3 }, { lineId: '2' }, { lineId: '3' }],
  });
});
