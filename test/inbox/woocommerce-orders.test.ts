import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHook, deliver } from '../../emulators/woocommerce/send-webhooks.ts';
import { productOf, writeStock } from '../../emulators/woocommerce/state.ts';
import { startStore, type Store } from '../../emulators/woocommerce/store.ts';
import {
  forged,
  orderPayload,
  signedOrderWebhook,
  type EmulatedOrder,
} from '../../emulators/woocommerce/webhooks.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { waitFor } from '../support/wait-for.ts';
import { VendorRig, type SignedWebhook } from './vendor-rig.ts';

const skus = { rug: 400, 'rug-red': 400 };
const secret = 'of-the-webhook';

let rig: VendorRig;
let store: Store;
let begin = 0;

beforeAll(async () => {
  rig = await VendorRig.open();
  store = await startStore({ seed: { skus: { rug: 400 }, variable: { Rug: { 'rug-red': 400 } } } });
  const { config, credentials } = store;
  const channel = {
    kind: 'woocommerce',
    config,
    credentials: { ...credentials, webhookSecret: secret },
  };
  await rig.connect('store', channel, skus, (sku) => store.idsOf(sku));
  begin = Math.ceil(Date.now() / 1_000) * 1_000;
});

afterAll(async () => {
  await rig?.close();
  await store?.server.stop();
});

/** Of whole seconds and without a zone, as WooCommerce's times are. */
const at = (second: number): string => {
  return new Date(begin + second * 1_000).toISOString().slice(0, 19);
};

type Line = EmulatedOrder['lines'][number];

function lineOf(id: number, sku: string, quantity: number, restocked?: number): Line {
  const more = restocked === undefined ? {} : { restocked };
  return { id, ...store.idsOf(sku), sku, quantity, ...more };
}

/** The shop's own stock, which it lowers when an order is paid and raises when one is undone. */
function moveThere(sku: string, delta: number): void {
  const product = productOf(store.state, sku);
  writeStock(store.state, product, Number(product.stockQuantity) + delta, 'order');
}

/** @returns the states of an order, from the checkout to what became of it */
function lifeOf(id: number): EmulatedOrder[] {
  const [rugs, reds] = [1 + (id % 3), 2];
  const bought = [lineOf(id * 10, 'rug', rugs), lineOf(id * 10 + 1, 'rug-red', reds)];
  // The checkout goes through both within one second.
  const states: EmulatedOrder[] = [
    { id, status: 'pending', modifiedAt: at(0), lines: bought },
    { id, status: 'processing', modifiedAt: at(0), lines: bought },
  ];
  moveThere('rug', -rugs);
  moveThere('rug-red', -reds);
  if (id % 5 === 0) return states;
  if (id % 4 === 0) {
    states.push({ id, status: 'cancelled', modifiedAt: at(1), lines: bought });
    moveThere('rug', rugs);
    moveThere('rug-red', reds);
  } else if (id % 4 === 1) {
    const [first] = bought;
    const lines = [
      ...(first === undefined ? [] : [first]),
      lineOf(id * 10 + 1, 'rug-red', reds, 1),
    ];
    states.push({ id, status: 'processing', modifiedAt: at(1), lines });
    moveThere('rug-red', 1);
  } else if (id % 4 === 2) {
    // Edited: one line is gone, the other is more.
    const lines = [lineOf(id * 10, 'rug', rugs + 2)];
    states.push({ id, status: 'completed', modifiedAt: at(1), lines });
    moveThere('rug', -2);
    moveThere('rug-red', reds);
  } else {
    // Refunded, and nothing put back.
    states.push({ id, status: 'refunded', modifiedAt: at(1), lines: bought });
  }
  return states;
}

const told = (order: EmulatedOrder): SignedWebhook => signedOrderWebhook(order, secret);

function inventedOrder(id: number): SignedWebhook {
  const lines = [lineOf(id * 10, 'rug', 50)];
  return forged(told({ id, status: 'processing', modifiedAt: at(0), lines }));
}

test('orders of a store, twice each, shuffled, some forged: stock is what it has', async () => {
  // So that what the store shows is what was sold there, and nothing of ours.
  await rig.api('POST', '/api/channels/store/pause');
  const real = Array.from({ length: 60 }, (_, i) => lifeOf(i + 1)).flat();
  const invented = Array.from({ length: 20 }, (_, i) => inventedOrder(900 + i));
  const sent = [...real.map(told), ...invented];
  expect(await rig.storm('store', sent, 11)).toEqual({ 200: 336, 401: 40 });
  await rig.worked();
  const { done = 0, stale = 0, ...others } = await rig.ends('store');
  expect({ told: done + stale, others }).toEqual({ told: 168, others: {} });
  // Shuffled, some states came after newer ones.
  expect(stale).toBeGreaterThan(0);
  for (const sku of Object.keys(skus)) {
    const left = store.stockOf(sku);
    expect(left).toBeLessThan(400);
    expect(await rig.levelOf(sku)).toMatchObject({ onHand: left, openOrders: 0, available: left });
  }
  await expectCleanAudit(rig.inspector);
  await rig.api('POST', '/api/channels/store/resume');
  await rig.shown('store');
  for (const sku of Object.keys(skus)) {
    expect(store.stockOf(sku)).toBe((await rig.levelOf(sku))['available']);
  }
});

test('a new webhook of a store is greeted, and then brings its orders', async () => {
  const before = await rig.levelOf('rug');
  const deliveryUrl = `${rig.service.url}/api/webhooks/store`;
  const hook = { topic: 'order.updated', deliveryUrl, secret };
  // Its ping is not signed, and wants a 200 all the same.
  expect(await createHook(store.state, hook)).toMatchObject({ status: 'active' });
  const lines = [lineOf(9_991, 'rug', 3)];
  const order = { id: 999, status: 'on-hold', modifiedAt: at(2), lines };
  await deliver(store.state, hook.topic, orderPayload(order));
  await rig.worked();
  expect(await rig.levelOf('rug')).toMatchObject({ onHand: before['onHand'], openOrders: 3 });
  await deliver(
    store.state,
    hook.topic,
    orderPayload({ ...order, status: 'processing', modifiedAt: at(3) }),
  );
  await rig.worked();
  const onHand = Number(before['onHand']) - 3;
  expect(await rig.levelOf('rug')).toMatchObject({ onHand, openOrders: 0, available: onHand });
  expect(store.state.hooks).toMatchObject([{ failures: 0 }]);
  await expectCleanAudit(rig.inspector);
});

test('a variation whose stock is counted at its product counts there', async () => {
  const { productId } = store.idsOf('rug') as { productId: number };
  const { onHand } = await rig.levelOf('rug');
  const ofVariation = { id: 1, productId, variationId: 987_654, sku: 'rug-blue', quantity: 3 };
  const lines = [ofVariation, { ...ofVariation, id: 2, productId: 987_653, quantity: 2 }];
  await rig.send('store', told({ id: 7_000, status: 'processing', modifiedAt: at(60), lines }));
  await rig.worked();
  expect(await rig.levelOf('rug')).toMatchObject({ onHand: Number(onHand) - 3 });
  // What neither names stays a question, until the product is listed.
  const questions = () => rig.api('GET', '/api/open-questions');
  expect(await questions()).toMatchObject({
    items: [{ orderId: '7000', lineId: '2', listingKey: '987653/987654', quantity: 2 }],
  });
  await rig.api('PUT', '/api/inventory/stores/main/inventory/runner', { onHand: 9 });
  await rig.api('PUT', '/api/channels/store/listings/main/runner', {
    externalIds: { productId: 987_653 },
  });
  // A new listing is seen within a second.
  await waitFor(
    async () => {
      await rig.api('POST', '/api/channels/store/open-questions/retry');
      return (await rig.levelOf('runner'))['onHand'] === 7;
    },
    { what: 'the line to count' },
  );
  expect(await questions()).toMatchObject({ items: [] });
});
