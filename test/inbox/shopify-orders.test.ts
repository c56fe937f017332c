import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addToOrder,
  cancelOrder,
  payOrder,
  placeOrder,
  refundOrder,
  type EmulatedOrder,
} from '../../emulators/shopify/orders.ts';
import { startShop, type Shop } from '../../emulators/shopify/shop.ts';
import { forged, signedOrderWebhook } from '../../emulators/shopify/webhooks.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { VendorRig, type SignedWebhook } from './vendor-rig.ts';

const skus = { mug: 500, lamp: 500, vase: 500 };
const secret = 'shpss_of_the_app';

let rig: VendorRig;
let shop: Shop;

beforeAll(async () => {
  rig = await VendorRig.open();
  shop = await startShop({ seed: { skus } });
  await rig.connect('shop', channelWith(secret), skus, (sku) => shop.idsOf(sku));
  begin = Math.ceil(Date.now() / 1_000) * 1_000;
});

afterAll(async () => {
  await rig?.close();
  await shop?.server.stop();
});

function channelWith(webhookSecret: string | readonly string[]): Record<string, unknown> {
  const { config, credentials } = shop;
  return { kind: 'shopify', config, credentials: { ...credentials, webhookSecret } };
}

const itemOf = (sku: string): string => shop.idsOf(sku).inventoryItemId;
let begin = 0;
/** Of whole seconds, as Shopify's times are, and after the shop was told what there is. */
const at = (second: number): Date => new Date(begin + second * 1_000);

/**
 * A buyer orders, and one thing or another becomes of it.
 * @returns a webhook of each state the order was in
 */
function lifeOf(i: number): SignedWebhook[] {
  const told: SignedWebhook[] = [];
  const order = placeOrder(shop.state, {
    lines: [
      { itemId: itemOf('mug'), quantity: 1 + (i % 3) },
      { itemId: itemOf('lamp'), quantity: 2 },
    ],
    at: at(0),
    isPaid: i % 4 !== 1,
  });
  const tell = (topic: string): void => {
    told.push(signedOrderWebhook(order, secret, { topic }));
  };
  tell('orders/create');
  const lineId = order.lines[1]?.id ?? 0;
  if (i % 4 === 1) payOrder(order, at(1));
  else if (i % 4 === 2)
    addToOrder(shop.state, order, { itemId: itemOf('vase'), quantity: 3 }, at(1));
  else refundOrder(shop.state, order, { lineId, quantity: 1, restockType: 'return' }, at(1));
  tell('orders/updated');
  // What is refunded and not put back, and what is cancelled so, stays sold.
  if (i % 5 === 0) cancelOrder(shop.state, order, at(2), i % 10 === 0);
  else refundOrder(shop.state, order, { lineId, quantity: 1, restockType: 'no_restock' }, at(2));
  tell(i % 5 === 0 ? 'orders/cancelled' : 'orders/updated');
  return told;
}

/** An order that only a forger tells of. */
function inventedOrder(id: number): SignedWebhook {
  const order: EmulatedOrder = {
    id,
    locationId: 'gid://shopify/Location/1',
    financialStatus: 'paid',
    cancelledAt: null,
    updatedAt: at(0).toISOString(),
    lines: [{ id, itemId: itemOf('mug'), sku: 'mug', quantity: 50, current: 50 }],
    refunds: [],
  };
  return forged(signedOrderWebhook(order, secret));
}

test('orders of a shop, twice each, shuffled, some forged: stock is what it has', async () => {
  // So that what the shop shows is what was sold there, and nothing of ours.
  await rig.api('POST', '/api/channels/shop/pause');
  const real = Array.from({ length: 60 }, (_, i) => lifeOf(i)).flat();
  const invented = Array.from({ length: 20 }, (_, i) => inventedOrder(900_000 + i));
  expect(await rig.storm('shop', [...real, ...invented], 5)).toEqual({ 200: 360, 401: 40 });
  await rig.worked();
  const { done = 0, stale = 0, ...others } = await rig.ends('shop');
  expect({ told: done + stale, others }).toEqual({ told: 180, others: {} });
  // Shuffled, some states came after newer ones.
  expect(stale).toBeGreaterThan(0);
  for (const sku of Object.keys(skus)) {
    const left = shop.available(sku);
    expect(left).toBeLessThan(500);
    expect(await rig.levelOf(sku)).toMatchObject({ onHand: left, openOrders: 0, available: left });
  }
  await expectCleanAudit(rig.inspector);
  await rig.api('POST', '/api/channels/shop/resume');
  await rig.shown('shop');
  for (const sku of Object.keys(skus)) {
    const ours = shop.history(sku).filter(({ by, from, to }) => by === 'app' && from !== to);
    expect(ours).toEqual([]);
  }
});

test('an order that is not paid is held, and given back when it is cancelled', async () => {
  const { available } = await rig.levelOf('vase');
  const lines = [{ itemId: itemOf('vase'), quantity: 4 }];
  const order = placeOrder(shop.state, { lines, at: at(3), isPaid: false });
  expect(await rig.send('shop', signedOrderWebhook(order, secret))).toBe(200);
  await rig.worked();
  expect(await rig.levelOf('vase')).toMatchObject({
    openOrders: 4,
    available: Number(available) - 4,
  });
  cancelOrder(shop.state, order, at(4));
  expect(await rig.send('shop', signedOrderWebhook(order, secret))).toBe(200);
  await rig.worked();
  expect(await rig.levelOf('vase')).toMatchObject({ openOrders: 0, available });
  expect(shop.available('vase')).toBe(available);
  await expectCleanAudit(rig.inspector);
});

test('while the secret is changed both count, and then the new one alone', async () => {
  const order = placeOrder(shop.state, {
    lines: [{ itemId: itemOf('lamp'), quantity: 1 }],
    at: at(5),
  });
  const { onHand } = await rig.levelOf('lamp');
  const signedBy = (key: string, webhookId: string): SignedWebhook => {
    return signedOrderWebhook(order, key, { webhookId });
  };
  const newSecret = 'shpss_rotated';
  expect(await rig.send('shop', signedBy(newSecret, 'r-1'))).toBe(401);
  await rig.api('PUT', '/api/channels/shop', channelWith([newSecret, secret]));
  expect(await rig.send('shop', signedBy(secret, 'r-2'))).toBe(200);
  expect(await rig.send('shop', signedBy(newSecret, 'r-3'))).toBe(200);
  await rig.api('PUT', '/api/channels/shop', channelWith(newSecret));
  expect(await rig.send('shop', signedBy(secret, 'r-4'))).toBe(401);
  expect(await rig.send('shop', signedBy(newSecret, 'r-5'))).toBe(200);
  await rig.worked();
  // Told five times, sold once.
  expect(await rig.levelOf('lamp')).toMatchObject({ onHand: Number(onHand) - 1 });
  await expectCleanAudit(rig.inspector);
});
