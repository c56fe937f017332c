import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { placeOrder } from '../../emulators/shopify/orders.ts';
import { startShop, type Shop } from '../../emulators/shopify/shop.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Open orders of a shop that has many, and a bucket that few calls fit into.

let rig: SourcesRig;
let shop: Shop;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
afterEach(async () => {
  await shop.server.stop();
  await rig.pool.query('delete from source');
});

/** A shop with an order of 2 of A for each of `orders`, read as a source. */
async function open(orders: number, restoreRate: number): Promise<void> {
  // No call may ask for more than 1,000: what each of ours asks for fits in here.
  const bucket = { capacity: 1_000, restoreRate };
  shop = await startShop({ seed: { skus: { A: 500 }, bucket } });
  const { inventoryItemId: itemId } = shop.idsOf('A');
  for (let number = 0; number < orders; number += 1) {
    placeOrder(shop.state, { lines: [{ itemId, quantity: 2 }], at: new Date() });
  }
  await rig.put({ sourceId: 'count', owns: [{ quantity: 'onHand' }] });
  await rig.push('count', [{ sku: 'A', value: 500 }]);
  await rig.put({
    sourceId: 'shop',
    kind: 'shopify',
    config: { ...shop.config, locations: { 'gid://shopify/Location/1': 'main' } },
    credentials: shop.credentials,
    owns: [{ quantity: 'openOrders' }],
  });
}

test('a throttled answer keeps what was added up, and the sum comes to its end', async () => {
  await open(60, 2_000);
  expect(await rig.run('shop')).toMatchObject({ status: 'succeeded', read: 1, applied: 1 });
  expect(await rig.quantity('A', 'open_orders')).toBe(120);
  // Each call asked for its page, and again where it was throttled: none began anew.
  const calls = shop.server.journal.length - shop.state.throttled;
  expect(calls).toBe(60 / 5);
  expect(shop.state.throttled).toBeGreaterThan(0);
});

test('what a run before had added up is no part of the next one', async () => {
  await open(20, 10_000);
  await rig.pool.query(`update source set generation = 1, snapshot = $1 where source_id = 'shop'`, [
    JSON.stringify({ generation: 1, cursor: 'summed 2', startedAt: new Date(), items: 0 }),
  ]);
  expect(await rig.run('shop')).toMatchObject({ status: 'succeeded' });
  expect(await rig.quantity('A', 'open_orders')).toBe(40);
});
