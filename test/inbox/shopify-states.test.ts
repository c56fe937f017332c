import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addToOrder,
  cancelOrder,
  placeOrder,
  refundOrder,
  type EmulatedOrder,
} from '../../emulators/shopify/orders.ts';
import { startShop, type Shop } from '../../emulators/shopify/shop.ts';
import {
  editPayload,
  refundPayload,
  signedOrderWebhook,
  signedWebhook,
} from '../../emulators/shopify/webhooks.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { VendorRig, type SignedWebhook } from './vendor-rig.ts';

const skus = { mug: 100, lamp: 100 };
const secret = 'shpss_of_the_app';
/** Everything here happens within one second, by Shopify's times. */
const at = new Date(Math.ceil(Date.now() / 1_000) * 1_000);

let rig: VendorRig;
let shop: Shop;

beforeAll(async () => {
  rig = await VendorRig.open();
  shop = await startShop({ seed: { skus } });
  const { config, credentials } = shop;
  const channel = {
    kind: 'shopify',
    config,
    credentials: { ...credentials, webhookSecret: secret },
  };
  await rig.connect('shop', channel, skus, (sku) => shop.idsOf(sku));
  // So that what the shop shows is what was sold there, and nothing of ours.
  await rig.api('POST', '/api/channels/shop/pause');
});

afterAll(async () => {
  await rig?.close();
  await shop?.server.stop();
});

const itemOf = (sku: string): string => shop.idsOf(sku).inventoryItemId;

async function tellEach(webhooks: readonly SignedWebhook[]): Promise<void> {
  for (const webhook of webhooks) {
    expect(await rig.send('shop', webhook)).toBe(200);
    await rig.worked();
  }
}

async function expectAsInShop(): Promise<void> {
  for (const sku of Object.keys(skus)) {
    const left = shop.available(sku);
    expect(await rig.levelOf(sku)).toMatchObject({ onHand: left, openOrders: 0, available: left });
  }
  await expectCleanAudit(rig.inspector);
}

const ends: readonly (readonly [string, (order: EmulatedOrder) => void])[] = [
  ['a cancellation', (order) => cancelOrder(shop.state, order, at)],
  ['a cancellation of what stays away', (order) => cancelOrder(shop.state, order, at, false)],
  [
    'a refund',
    (order) => {
      const lineId = order.lines[0]?.id ?? 0;
      refundOrder(shop.state, order, { lineId, quantity: 2, restockType: 'return' }, at);
    },
  ],
  [
    'an edit',
    (order) => addToOrder(shop.state, order, { itemId: itemOf('lamp'), quantity: 3 }, at),
  ],
];

test.each(ends)('%s in the second of the order counts, whichever comes first', async (_, end) => {
  for (const isLate of [false, true]) {
    const lines = [{ itemId: itemOf('mug'), quantity: 5 }];
    const order = placeOrder(shop.state, { lines, at });
    const made = signedOrderWebhook(order, secret, { topic: 'orders/create' });
    end(order);
    const ended = signedOrderWebhook(order, secret);
    await tellEach(isLate ? [ended, made] : [made, ended]);
    await expectAsInShop();
  }
});

type Told = 'made' | 'refund' | 'refund again' | 'updated' | 'more refunded';

const orders: readonly (readonly Told[])[] = [
  ['made', 'refund', 'more refunded'],
  ['refund', 'made', 'more refunded'],
  ['made', 'refund', 'updated', 'refund again', 'made', 'more refunded'],
  ['made', 'updated', 'refund', 'more refunded', 'refund again'],
  ['refund', 'refund again', 'more refunded', 'made', 'updated'],
  ['more refunded', 'updated', 'made', 'refund'],
];

test.each(orders)('a refund counts once: %s, %s, %s …', async (...told) => {
  const lines = [{ itemId: itemOf('mug'), quantity: 5 }];
  const order = placeOrder(shop.state, { lines, at });
  const lineId = order.lines[0]?.id ?? 0;
  const refunded = (): SignedWebhook => {
    return signedWebhook(refundPayload(order), { topic: 'refunds/create', secret });
  };
  const made = signedOrderWebhook(order, secret, { topic: 'orders/create' });
  refundOrder(shop.state, order, { lineId, quantity: 2, restockType: 'return' }, at);
  const refund = refunded();
  const updated = signedOrderWebhook(order, secret);
  refundOrder(shop.state, order, { lineId, quantity: 1, restockType: 'cancel' }, at);
  const webhooks: Record<Told, SignedWebhook> = {
    made,
    refund,
    'refund again': refund,
    updated,
    'more refunded': refunded(),
  };
  // Each delivery has an id of its own: what is told again is not known by it.
  const turn = `${order.id}`;
  await tellEach(
    told.map((name, index) => {
      const { headers, body } = webhooks[name];
      return { headers: { ...headers, 'x-shopify-webhook-id': `${turn}-${index}` }, body };
    }),
  );
  await expectAsInShop();
});

test('a refund of a line that nobody knew counts once the line is known', async () => {
  const { onHand } = await rig.levelOf('lamp');
  const lines = [{ itemId: itemOf('lamp'), quantity: 5 }];
  const order = placeOrder(shop.state, { lines, at });
  const [line] = order.lines;
  if (line === undefined) throw new Error('the order has no line');
  const unknown = { ...order, lines: [{ ...line, sku: 'lamp of theirs' }] };
  const refund = { lineId: line.id, quantity: 2, restockType: 'return' } as const;
  const made = signedOrderWebhook(unknown, secret, { topic: 'orders/create' });
  refundOrder(shop.state, order, refund, at);
  const back = signedWebhook(refundPayload(order), { topic: 'refunds/create', secret });
  await tellEach([made, back]);
  expect(await rig.levelOf('lamp')).toMatchObject({ onHand });
  const key = { channelId: 'shop', orderId: String(order.id), lineId: String(line.id) };
  await rig.api('POST', '/api/open-questions/answer', { ...key, storeId: 'main', sku: 'lamp' });
  await expectAsInShop();
  const again = { ...made, headers: { ...made.headers, 'x-shopify-webhook-id': 'made-again' } };
  await tellEach([again]);
  await expectAsInShop();
});

test('an edit counts by itself, and once with the order that follows it', async () => {
  const lines = [{ itemId: itemOf('mug'), quantity: 5 }];
  const order = placeOrder(shop.state, { lines, at });
  const made = signedOrderWebhook(order, secret, { topic: 'orders/create' });
  addToOrder(shop.state, order, { itemId: itemOf('lamp'), quantity: 3 }, at);
  await tellEach([made, signedWebhook(editPayload(order), { topic: 'orders/edited', secret })]);
  await expectAsInShop();
  await tellEach([signedOrderWebhook(order, secret)]);
  await expectAsInShop();
});
