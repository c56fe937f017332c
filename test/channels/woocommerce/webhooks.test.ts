import { afterAll, expect, test } from 'vitest';
import type { Authentication, InboundEvent } from '../../../src/channels/adapter.ts';
import { createWooCommerceAdapter } from '../../../src/channels/woocommerce/adapter.ts';
import {
  forged,
  pingWebhook,
  signedOrderWebhook,
  signedWebhook,
  type EmulatedOrder,
  type SignedWebhook,
} from '../../../emulators/woocommerce/webhooks.ts';

const adapter = createWooCommerceAdapter({ allowPrivateAddresses: true });
afterAll(() => adapter.close?.());

const secret = 'of the webhook';
const order: EmulatedOrder = {
  id: 71,
  status: 'processing',
  modifiedAt: '2026-11-21T10:00:00',
  lines: [
    { id: 1, productId: 101, sku: 'A', quantity: 3 },
    { id: 2, productId: 102, variationId: 103, sku: '', quantity: 2 },
  ],
};

function authenticate(webhook: SignedWebhook, webhookSecret?: string | string[]): Authentication {
  const credentials = { consumerKey: 'ck', consumerSecret: 'cs', webhookSecret };
  const context = {
    config: { baseUrl: 'https://shop.example' },
    credentials,
    now: () => new Date(),
  };
  return adapter.authenticate?.({ ...webhook, url: 'https://us/' }, context) ?? { ok: false };
}

function translate(webhook: SignedWebhook): readonly InboundEvent[] {
  const topic = webhook.headers['x-wc-webhook-topic'] ?? '';
  return adapter.translate?.(topic, webhook, { baseUrl: 'https://shop.example' }) ?? [];
}

function stateOf(more: Partial<EmulatedOrder>): InboundEvent & { kind: 'order' } {
  const [event] = translate(signedOrderWebhook({ ...order, ...more }, secret));
  if (event?.kind !== 'order') throw new Error('it tells no order');
  return event;
}

test('a webhook with the shop’s signature is taken, by either secret while they change', () => {
  const webhook = signedOrderWebhook(order, secret);
  expect(authenticate(webhook, secret)).toMatchObject({ ok: true, topic: 'order.updated' });
  expect(authenticate(webhook, ['new', secret])).toMatchObject({ ok: true });
});

test('a webhook that the shop did not sign is not taken', () => {
  const webhook = signedOrderWebhook(order, secret);
  const { headers, body } = webhook;
  const { 'x-wc-webhook-signature': signature = '', ...unsigned } = headers;
  const bad = [
    forged(webhook),
    { headers, body: Buffer.concat([body, Buffer.from(' ')]) },
    { headers: unsigned, body },
    { headers: { ...headers, 'x-wc-webhook-signature': '' }, body },
    { headers: { ...headers, 'x-wc-webhook-signature': signature.slice(4) }, body },
    { headers: { ...headers, 'x-wc-webhook-topic': '' }, body },
  ];
  for (const one of bad) expect(authenticate(one, secret)).toEqual({ ok: false });
  expect(authenticate(webhook, undefined)).toEqual({ ok: false });
});

test('the same webhook has one id, another one another, whatever the delivery is called', () => {
  const idOf = (webhook: SignedWebhook) => {
    const found = authenticate(webhook, secret);
    return found.ok ? found.webhookId : '';
  };
  const sentAt = new Date('2026-11-21T10:00:05Z');
  const once = idOf(signedOrderWebhook(order, secret));
  expect(idOf(signedOrderWebhook(order, secret, { sentAt }))).toBe(once);
  // Within one second the shop's own id is the same for all.
  expect(idOf(signedOrderWebhook({ ...order, status: 'completed' }, secret))).not.toBe(once);
  const deleted = { topic: 'order.deleted', secret };
  const first = idOf(signedWebhook({ id: 71 }, deleted));
  expect(idOf(signedWebhook({ id: 71 }, { ...deleted, sentAt }))).not.toBe(first);
});

test('a ping is taken without signature, tells nothing, and has one id for all', () => {
  const found = { ok: true, webhookId: 'ping', topic: 'ping' };
  expect(authenticate(pingWebhook(5), secret)).toEqual(found);
  expect(authenticate(pingWebhook(123_456), undefined)).toEqual(found);
  expect(adapter.translate?.('ping', pingWebhook(5), { baseUrl: 'https://shop.example' })).toEqual(
    [],
  );
  const { headers } = pingWebhook(5);
  const order71 = Buffer.from('webhook_id=5&id=71');
  expect(authenticate({ headers, body: order71 }, secret)).toEqual({ ok: false });
  const json = { headers: { 'content-type': 'application/json' }, body: pingWebhook(5).body };
  expect(authenticate(json, secret)).toEqual({ ok: false });
});

test('an order is told whole', () => {
  expect(stateOf({})).toEqual({
    kind: 'order',
    orderId: '71',
    status: 'confirmed',
    revision: Date.parse('2026-11-21T10:00:00Z') + 500,
    occurredAt: new Date('2026-11-21T10:00:00Z'),
    lines: [
      { lineId: '1', listingKey: '101', sku: 'A', locationId: null, quantity: 3 },
      { lineId: '2', listingKey: '102/103', sku: null, locationId: null, quantity: 2 },
    ],
  });
});

test.each<[string, string, number]>([
  ['pending', 'pending', 3],
  ['on-hold', 'pending', 3],
  ['processing', 'confirmed', 3],
  ['completed', 'confirmed', 3],
  ['shipped-by-plugin', 'confirmed', 3],
  ['cancelled', 'cancelled', 0],
  ['failed', 'cancelled', 0],
  // Money went back; goods only where a refund says so.
  ['refunded', 'confirmed', 3],
])('an order that is %s is %s and wants %i', (status, expected, quantity) => {
  const event = stateOf({ status });
  expect([event.status, event.lines[0]?.quantity]).toEqual([expected, quantity]);
});

test.each(['checkout-draft', 'auto-draft', 'trash'])(
  'an order that is %s tells nothing',
  (status) => {
    expect(translate(signedOrderWebhook({ ...order, status }, secret))).toEqual([]);
  },
);

test('units that a refund put back to stock are wanted no more', () => {
  const lines = [{ id: 1, productId: 101, sku: 'A', quantity: 3, restocked: 2 }];
  expect(stateOf({ lines }).lines[0]?.quantity).toBe(1);
  const all = [{ id: 1, productId: 101, sku: 'A', quantity: 3, restocked: 3 }];
  expect(stateOf({ lines: all, status: 'refunded' })).toMatchObject({ status: 'cancelled' });
});

test('later states have higher revisions, also within one second', () => {
  const restocked = [{ id: 1, productId: 101, sku: 'A', quantity: 3, restocked: 2 }];
  const states = [
    stateOf({ status: 'pending' }),
    stateOf({ status: 'on-hold' }),
    stateOf({ status: 'processing' }),
    stateOf({ status: 'processing', lines: restocked }),
    stateOf({ status: 'completed' }),
    stateOf({ status: 'refunded' }),
    stateOf({ status: 'pending', modifiedAt: '2026-11-21T10:00:01' }),
  ].map(({ revision }) => revision);
  expect(states).toEqual([...new Set(states)].toSorted((a, b) => a - b));
});

test('a deleted order tells nothing: what was sold in it stays sold', () => {
  expect(translate(signedWebhook({ id: 71 }, { topic: 'order.deleted', secret }))).toEqual([]);
});

function productEvents(payload: unknown): readonly InboundEvent[] {
  return translate(signedWebhook(payload, { topic: 'product.updated', secret }));
}

test('a product that was changed is what the shop shows', () => {
  const product = {
    id: 103,
    parent_id: 102,
    date_modified_gmt: '2026-11-21T10:00:00',
    manage_stock: true,
    stock_quantity: 9,
  };
  const occurredAt = new Date('2026-11-21T10:00:00Z');
  expect(productEvents(product)).toEqual([
    { kind: 'shown', listingKey: '103', quantity: 9, occurredAt },
  ]);
  expect(productEvents({ ...product, manage_stock: 'parent' })).toEqual([]);
  expect(productEvents({ ...product, manage_stock: false, stock_quantity: null })).toEqual([]);
});

test.each<[string, unknown, string]>([
  ['order.updated', { id: 71 }, 'line_items'],
  ['order.updated', { ...order, date_modified_gmt: 'yesterday', line_items: [] }, 'a time'],
  ['product.updated', { id: 'A' }, 'date_modified_gmt'],
])('a %s of %j is poison', (topic, payload, problem) => {
  expect(() => translate(signedWebhook(payload, { topic, secret }))).toThrow(problem);
});
