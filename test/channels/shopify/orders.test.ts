import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addToOrder,
  cancelOrder,
  placeOrder,
  refundOrder,
} from '../../../emulators/shopify/orders.ts';
import {
  editPayload,
  orderPayload,
  refundPayload,
  signedWebhook,
} from '../../../emulators/shopify/webhooks.ts';
import type { InboundEvent } from '../../../src/channels/adapter.ts';
import { ShopRig, skus, webhookSecret as secret } from './shop-rig.ts';

let rig: ShopRig;

beforeAll(async () => {
  rig = await ShopRig.open({ seed: { skus: skus(5, 100) } });
});

afterAll(() => rig.close());

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));
const itemId = (sku: string): string => rig.shop.idsOf(sku).inventoryItemId;

function tell(topic: string, payload: unknown, triggeredAt?: Date): readonly InboundEvent[] {
  const more = triggeredAt === undefined ? {} : { triggeredAt };
  const webhook = signedWebhook(payload, { topic, secret, ...more });
  return rig.adapter.translate?.(topic, webhook, rig.config) ?? [];
}

/** What orders two states: the first figure that differs decides. */
function orderOfStates(payload: unknown, triggeredAt?: Date): readonly number[] {
  const [event] = tell('orders/updated', payload, triggeredAt);
  if (event?.kind !== 'order') throw new Error('no order was told');
  return [event.revision, event.progress ?? 0];
}

test('of two states within one second the one that was sent later is newer', () => {
  const order = placeOrder(rig.shop.state, { lines: [], at: at(1) });
  const sent = (ms: number): readonly number[] => {
    return orderOfStates(orderPayload(order), new Date(at(1).getTime() + ms));
  };
  const [revision = 0, earlier] = sent(200);
  expect(sent(850)[1]).toBeGreaterThan(Number(earlier));
  // However late it is sent, that does not outweigh what became of the order.
  expect(sent(90_000)[1]).toBeLessThan(1);
  order.updatedAt = at(2).toISOString();
  expect(sent(90_000)[0]).toBeGreaterThan(revision);
});

test('within one second what has come further is newer, whatever was sent later', () => {
  const { state } = rig.shop;
  const lines = [{ itemId: itemId('S0'), quantity: 4 }];
  const order = placeOrder(state, { lines, at: at(1) });
  const lineId = order.id * 100;
  const steps = [
    () => addToOrder(state, order, { itemId: itemId('S1'), quantity: 1 }, at(1)),
    () => refundOrder(state, order, { lineId, quantity: 1, restockType: 'return' }, at(1)),
    () => refundOrder(state, order, { lineId, quantity: 1, restockType: 'no_restock' }, at(1)),
    () => cancelOrder(state, order, at(1), false),
  ];
  let before = orderOfStates(orderPayload(order), at(2));
  for (const step of steps) {
    step();
    const now = orderOfStates(orderPayload(order));
    expect(now[0]).toBe(before[0]);
    expect(now[1]).toBeGreaterThan(Number(before[1]));
    before = orderOfStates(orderPayload(order), at(2));
  }
});

test('a refund tells what it put back, under the ids that its order has for it', () => {
  const lines = [{ itemId: itemId('S0'), quantity: 3 }];
  const order = placeOrder(rig.shop.state, { lines, at: at(1) });
  const lineId = order.id * 100;
  refundOrder(rig.shop.state, order, { lineId, quantity: 2, restockType: 'return' }, at(2));
  const [told] = tell('refunds/create', refundPayload(order));
  expect(told).toEqual({
    kind: 'refund',
    orderId: String(order.id),
    refundId: expect.any(String),
    occurredAt: at(2),
    lines: [{ lineId: String(lineId), quantity: 2 }],
  });
  const refundId = told?.kind === 'refund' ? told.refundId : '';
  expect(tell('orders/updated', orderPayload(order))).toMatchObject([{ refundIds: [refundId] }]);
  refundOrder(rig.shop.state, order, { lineId, quantity: 1, restockType: 'no_restock' }, at(3));
  expect(tell('refunds/create', refundPayload(order))).toEqual([]);
});

test('an edit names its order, which is read as webhooks tell it', async () => {
  const { state } = rig.shop;
  const lines = [{ itemId: itemId('S0'), quantity: 5 }];
  const order = placeOrder(state, { lines, at: at(1), isPaid: false });
  const lineId = order.id * 100;
  refundOrder(state, order, { lineId, quantity: 1, restockType: 'return' }, at(2));
  refundOrder(state, order, { lineId, quantity: 1, restockType: 'no_restock' }, at(2));
  addToOrder(state, order, { itemId: itemId('S1'), quantity: 2 }, at(3));
  const orderId = String(order.id);
  expect(tell('orders/edited', editPayload(order))).toEqual([
    { kind: 'order_changed', orderId, occurredAt: at(3) },
  ]);
  const read = await rig.adapter.fetchOrder?.({ orderId, toldAt: at(4) }, rig.context());
  expect(read).toEqual({ ok: true, order: tell('orders/updated', orderPayload(order))[0] });
  const unknown = { orderId: '1', toldAt: at(4) };
  expect(await rig.adapter.fetchOrder?.(unknown, rig.context())).toEqual({ ok: true, order: null });
});

test('an order that does not fit into one answer is left to its webhooks', async () => {
  const { state } = rig.shop;
  const lines = [{ itemId: itemId('S0'), quantity: 10 }];
  const order = placeOrder(state, { lines, at: at(1) });
  for (let i = 0; i < 10; i += 1) {
    const refund = { lineId: order.id * 100, quantity: 1, restockType: 'return' } as const;
    refundOrder(state, order, refund, at(2));
  }
  const named = { orderId: String(order.id), toldAt: at(4) };
  const read = await rig.adapter.fetchOrder?.(named, rig.context());
  expect(read).toEqual({ ok: true, order: null });
});

test('without its refunds an order is one with all of them, once something was removed', () => {
  const lines = [{ itemId: itemId('S0'), quantity: 3 }];
  const order = placeOrder(rig.shop.state, { lines, at: at(1) });
  const toldBare = (): unknown => {
    return tell('orders/updated', { ...orderPayload(order), refunds: undefined })[0];
  };
  expect(toldBare()).toMatchObject({ refundIds: [] });
  const lineId = order.id * 100;
  refundOrder(rig.shop.state, order, { lineId, quantity: 1, restockType: 'return' }, at(2));
  expect(toldBare()).not.toHaveProperty('refundIds');
});

test('a refund that does not say whether it put something back did not', () => {
  const order = placeOrder(rig.shop.state, {
    lines: [{ itemId: itemId('S0'), quantity: 3 }],
    at: at(1),
  });
  const [line] = orderPayload(order)['line_items'] as object[];
  const payload = {
    ...orderPayload(order),
    line_items: [{ ...line, current_quantity: 2 }],
    refunds: [{ id: 1, refund_line_items: [{ line_item_id: order.id * 100, quantity: 1 }] }],
  };
  expect(tell('orders/updated', payload)).toMatchObject([{ lines: [{ quantity: 3 }] }]);
});
