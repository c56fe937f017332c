import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createSquareAdapter } from '../../../src/channels/square/adapter.ts';
import type { Authentication, InboundEvent } from '../../../src/channels/adapter.ts';
import type { EmulatedOrder } from '../../../emulators/square/state.ts';
import {
  forged,
  signedCountWebhook,
  signedOrderWebhook,
  signedWebhook,
  type SignedWebhook,
} from '../../../emulators/square/webhooks.ts';
import { SellerRig, skus } from './seller-rig.ts';

const adapter = createSquareAdapter({ allowPrivateAddresses: true });
afterAll(() => adapter.close?.());

const signatureKey = 'of the subscription';
const notificationUrl = 'https://us.example/api/webhooks/till?merchant=default';
const options = { signatureKey, notificationUrl };

const order: EmulatedOrder = {
  id: 'O1',
  location_id: 'L1',
  state: 'OPEN',
  version: 2,
  updated_at: '2026-11-21T10:00:00.123Z',
  line_items: [
    { uid: 'a', catalog_object_id: 'V1', quantity: '3' },
    { uid: 'b', catalog_object_id: 'V2', quantity: '1.5' },
    // An amount that was typed in.
    { uid: 'c', quantity: '1' },
  ],
};

const toldAt = new Date('2026-11-21T10:00:05Z');

function authenticate(
  webhook: SignedWebhook,
  how: { readonly keys?: string | string[]; readonly configured?: string; readonly url?: string },
): Authentication {
  const { keys, configured, url = notificationUrl } = how;
  const context = {
    config: { notificationUrl: configured },
    credentials: { accessToken: 't', webhookSignatureKey: keys },
    now: () => new Date(),
  };
  return adapter.authenticate?.({ ...webhook, url }, context) ?? { ok: false };
}

function translate(webhook: SignedWebhook): readonly InboundEvent[] {
  const { type } = JSON.parse(webhook.body.toString()) as { type: string };
  return adapter.translate?.(type, webhook, {}) ?? [];
}

test('a webhook with Square’s signature is taken, by either key while they change', () => {
  const webhook = signedOrderWebhook(order, { ...options, eventId: 'E7' });
  const found = { ok: true, webhookId: 'E7', topic: 'order.updated' };
  expect(authenticate(webhook, { keys: signatureKey })).toEqual(found);
  expect(authenticate(webhook, { keys: ['new', signatureKey] })).toEqual(found);
});

test('the URL is signed as Square was told it, whatever it was called by', () => {
  const webhook = signedOrderWebhook(order, options);
  const behind = { keys: signatureKey, url: 'https://proxy.internal/api/webhooks/till' };
  expect(authenticate(webhook, behind)).toEqual({ ok: false });
  expect(authenticate(webhook, { ...behind, configured: notificationUrl })).toMatchObject({
    ok: true,
  });
});

test.each<[string, string, boolean]>([
  ['http://us.example/api/webhooks/till', 'https://us.example/api/webhooks/till', true],
  ['https://us.example/api/webhooks/till', 'https://us.example/api/webhooks/till?a=b', true],
  ['http://us.example/api/webhooks/till?a=b', 'https://us.example/api/webhooks/till?a=b', true],
  ['http://us.example/api/webhooks/till?a=b', 'https://us.example/api/webhooks/till?a=c', false],
  ['http://us.example/api/webhooks/till', 'https://us.example:80/api/webhooks/till', false],
  ['http://us.example/api/webhooks/till', 'https://us.example/api/webhooks/other', false],
])('where none is set %s counts for a call of %s: %s', (told, url, ok) => {
  const webhook = signedOrderWebhook(order, { signatureKey, notificationUrl: told });
  expect(authenticate(webhook, { keys: signatureKey, url })).toMatchObject({ ok });
  // One that is set counts letter by letter.
  const configured = told.replace('http:', 'https:').replace('?a=b', '');
  const isSame = configured === told;
  expect(authenticate(webhook, { keys: signatureKey, url, configured })).toMatchObject({
    ok: isSame,
  });
});

test('a webhook that Square did not sign is not taken', () => {
  const webhook = signedOrderWebhook(order, options);
  const { headers, body } = webhook;
  const keys = signatureKey;
  const bad = [
    forged(webhook, notificationUrl),
    { headers, body: Buffer.concat([body, Buffer.from(' ')]) },
    { headers: { 'content-type': 'application/json' }, body },
    { headers: { ...headers, 'x-square-hmacsha256-signature': 'AAAA' }, body },
  ];
  for (const one of bad) expect(authenticate(one, { keys })).toEqual({ ok: false });
  expect(authenticate(webhook, {})).toEqual({ ok: false });
  const other = { ...options, notificationUrl: 'https://us.example/api/webhooks/other' };
  expect(authenticate(signedOrderWebhook(order, other), { keys })).toEqual({ ok: false });
});

test('an order is only named, and is asked for', async () => {
  const rig = await SellerRig.open({ seed: { skus: skus(2, 1) } });
  onTestFinished(() => rig.close());
  const [event] = translate(signedOrderWebhook(order, options));
  const occurredAt = new Date(order.updated_at);
  expect(event).toEqual({ kind: 'order_changed', orderId: 'O1', occurredAt });
  rig.seller.state.orders['O1'] = order;
  const line = { sku: null, locationId: 'L1' };
  expect(await rig.adapter.fetchOrder?.({ orderId: 'O1', toldAt }, rig.context())).toEqual({
    ok: true,
    order: {
      kind: 'order',
      orderId: 'O1',
      status: 'pending',
      revision: occurredAt.getTime(),
      occurredAt,
      lines: [
        { ...line, lineId: 'a', listingKey: 'V1 L1', quantity: 3 },
        { ...line, lineId: 'b', listingKey: 'V2 L1', quantity: 2 },
      ],
    },
  });
  expect(rig.seller.state.invalid).toEqual([]);
});

test('an order that says only where it is, is open, and of the time of its webhook', async () => {
  const rig = await SellerRig.open();
  onTestFinished(() => rig.close());
  const { location_id, line_items } = order;
  rig.seller.state.orders['O1'] = { location_id, line_items };
  const found = await rig.adapter.fetchOrder?.({ orderId: 'O1', toldAt }, rig.context());
  expect(found).toMatchObject({
    ok: true,
    order: {
      orderId: 'O1',
      status: 'pending',
      revision: toldAt.getTime(),
      occurredAt: toldAt,
      lines: [{ quantity: 3 }, { quantity: 2 }],
    },
  });
});

test.each<[string, object, string]>([
  ['order.updated', { order_updated: { updated_at: '2026-11-21T10:00:01Z' } }, '10:00:01'],
  ['order.updated', { order_updated: { created_at: '2026-11-20T09:00:00Z' } }, '10:00:02'],
  ['order.created', { order_created: { created_at: '2026-11-21T10:00:00Z' } }, '10:00:00'],
  ['order.created', { order_created: {}, order_updated: null }, '10:00:02'],
])('%s of %j is of the time when it happened', (type, told, time) => {
  const object = Object.fromEntries(
    Object.entries(told).map(([name, about]: [string, object | null]) => {
      return [name, about === null ? null : { order_id: 'O1', ...about }];
    }),
  );
  const event = { type, created_at: '2026-11-21T10:00:02Z', data: { object } };
  expect(translate(signedWebhook(event, options))).toEqual([
    { kind: 'order_changed', orderId: 'O1', occurredAt: new Date(`2026-11-21T${time}Z`) },
  ]);
});

const paid = {
  tenders: [{ type: 'CARD' }],
  net_amount_due_money: { amount: 0, currency: 'EUR' },
};

test.each<[Partial<EmulatedOrder>, string | undefined, number | undefined]>([
  [{ state: 'OPEN' }, 'pending', 3],
  [{ state: 'OPEN', net_amount_due_money: { amount: 0, currency: 'EUR' } }, 'pending', 3],
  [{ state: 'OPEN', ...paid }, 'confirmed', 3],
  [{ state: 'COMPLETED' }, 'confirmed', 3],
  [{ state: 'CANCELED' }, 'cancelled', 0],
  [{ state: 'DRAFT' }, undefined, undefined],
])('an order %j is %s and wants %s', async (more, status, quantity) => {
  const rig = await SellerRig.open();
  onTestFinished(() => rig.close());
  rig.seller.state.orders['O1'] = { ...order, ...more };
  const found = await rig.adapter.fetchOrder?.({ orderId: 'O1', toldAt }, rig.context());
  if (found?.ok !== true) throw new Error('it was not read');
  expect(found.order?.status).toBe(status);
  expect(found.order?.lines[0]?.quantity).toBe(quantity);
});

test('an order that Square does not have is none, and a failure is a failure', async () => {
  const gone = { orderId: 'gone', toldAt };
  const rig = await SellerRig.open();
  onTestFinished(() => rig.close());
  expect(await rig.adapter.fetchOrder?.(gone, rig.context())).toEqual({ ok: true, order: null });
  rig.seller.state.accessToken = 'another';
  expect(await rig.adapter.fetchOrder?.(gone, rig.context())).toMatchObject({ ok: false });
});

test('a new count is what Square shows', () => {
  const calculatedAt = new Date('2026-11-21T10:00:00Z');
  const count = { catalogObjectId: 'V1', locationId: 'L2', quantity: '7.5', calculatedAt };
  expect(translate(signedCountWebhook(count, options))).toEqual([
    { kind: 'shown', listingKey: 'V1 L2', quantity: 7, occurredAt: calculatedAt },
  ]);
  expect(translate(signedCountWebhook({ ...count, state: 'WASTE' }, options))).toEqual([]);
});

test.each<[string, unknown, string]>([
  ['order.updated', { object: {} }, 'names no order'],
  ['order.updated', { object: { order_updated: { order_id: '' } } }, 'order_id'],
  ['inventory.count.updated', { object: { inventory_counts: [{ quantity: 5 }] } }, 'quantity'],
])('a %s of %j is poison', (type, data, problem) => {
  const event = { type, created_at: '2026-11-21T10:00:00Z', data };
  expect(() => translate(signedWebhook(event, options))).toThrow(problem);
});
