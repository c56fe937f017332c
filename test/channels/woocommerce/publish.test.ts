import { expect, onTestFinished, test } from 'vitest';
import type { StoreOptions } from '../../../emulators/woocommerce/store.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { addProduct, productOf } from '../../../emulators/woocommerce/state.ts';
import { changeOf, skus, StoreRig } from './store-rig.ts';

async function open(options: StoreOptions = {}): Promise<StoreRig> {
  const rig = await StoreRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

const shirts = { variable: { Shirt: { red: 1, blue: 1 }, Hat: { wool: 1 } } };

test('100 products are one request', async () => {
  const rig = await open({ seed: { skus: skus(100, 1) } });
  const changes = Object.keys(skus(100, 1)).map((sku, i) => rig.change(sku, i));
  const outcomes = await rig.outcomes(...changes);
  expect(outcomes).toEqual(changes.map(() => ({ kind: 'applied' })));
  expect(changes.map(({ sku }) => rig.store.stockOf(sku))).toEqual(changes.map((_, i) => i));
  expect(rig.asked).toEqual(['POST products/batch']);
});

test('variations go out product by product, beside the products', async () => {
  const rig = await open({ seed: { skus: skus(1, 1), ...shirts } });
  const names = ['red', 'S0', 'wool', 'blue'];
  const outcomes = await rig.outcomes(...names.map((sku, i) => rig.change(sku, 10 + i)));
  expect(outcomes).toEqual(names.map(() => ({ kind: 'applied' })));
  expect(names.map((sku) => rig.store.stockOf(sku))).toEqual([10, 11, 12, 13]);
  const shirt = rig.store.idsOf('red').productId;
  const hat = rig.store.idsOf('wool').productId;
  expect(rig.asked.toSorted()).toEqual(
    [
      'POST products/batch',
      `POST products/${shirt}/variations/batch`,
      `POST products/${hat}/variations/batch`,
    ].toSorted(),
  );
});

test('an item that the shop does not have is refused, and the others are not', async () => {
  const rig = await open({ seed: { skus: skus(2, 1), ...shirts } });
  const { variationId } = rig.store.idsOf('red');
  const outcomes = await rig.outcomes(
    rig.change('S0', 5),
    changeOf('gone', 5, { productId: 99_999 }),
    changeOf('red', 5, { productId: variationId }),
    changeOf('blue', 5, { productId: 1, variationId }),
    changeOf('none', 5, null),
    changeOf('odd', 5, { productId: 'A' }),
    rig.change('S1', 6),
  );
  expect(outcomes).toEqual([
    { kind: 'applied' },
    { kind: 'refused', code: 'woocommerce_rest_product_invalid_id' },
    { kind: 'refused', code: 'woocommerce_rest_invalid_product_id' },
    { kind: 'refused', code: 'woocommerce_rest_product_variation_invalid_id' },
    { kind: 'refused', code: 'not_mapped' },
    { kind: 'refused', code: 'not_mapped' },
    { kind: 'applied' },
  ]);
  expect([rig.store.stockOf('S0'), rig.store.stockOf('S1')]).toEqual([5, 6]);
});

test('where nothing is mapped nothing is asked', async () => {
  const rig = await open();
  expect(await rig.outcomes(changeOf('none', 5, null))).toHaveLength(1);
  expect(rig.asked).toEqual([]);
});

test('a product that is not counted yet is counted from now on', async () => {
  const rig = await open();
  addProduct(rig.store.state, { sku: 'loose' });
  expect(await rig.outcomes(rig.change('loose', 4))).toEqual([{ kind: 'applied' }]);
  expect(rig.store.stockOf('loose')).toBe(4);
});

test('a shop that counts no stock drops the quantity, and we say so', async () => {
  const rig = await open({ seed: { skus: skus(2, 1), ...shirts } });
  rig.store.state.managesStock = false;
  const outcomes = await rig.outcomes(rig.change('S0', 5), rig.change('red', 5));
  const off = { kind: 'refused', code: 'manage_stock_off' };
  expect(outcomes).toEqual([off, off]);
  expect(rig.store.stockOf('S0')).toBe(1);
});

test('a product without stock of its own is refused', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  addProduct(rig.store.state, { sku: 'set', type: 'grouped' });
  expect(await rig.outcomes(rig.change('set', 5), rig.change('S0', 2))).toEqual([
    { kind: 'refused', code: 'manage_stock_off' },
    { kind: 'applied' },
  ]);
});

test('another quantity in the answer is what the shop shows', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const { id } = productOf(rig.store.state, 'S0');
  const item = { id, manage_stock: true, stock_quantity: 3 };
  rig.store.server.faults = new FaultPlan([
    { share: 1, fault: { kind: 'status', status: 200, body: { update: [item] } } },
  ]);
  expect(await rig.outcomes(rig.change('S0', 5))).toEqual([{ kind: 'stale', observed: 3 }]);
});

test('a shop that takes fewer at once gets fewer', async () => {
  const rig = await open({ seed: { skus: skus(50, 1) } });
  rig.store.state.batchLimit = 7;
  const changes = Object.keys(skus(50, 1)).map((sku) => rig.change(sku, 8));
  expect(await rig.outcomes(...changes)).toEqual(changes.map(() => ({ kind: 'applied' })));
  expect(changes.map(({ sku }) => rig.store.stockOf(sku))).toEqual(changes.map(() => 8));
  expect(rig.store.state.writes).toHaveLength(50);
});

test('what was done counts, where another request of the call failed', async () => {
  const rig = await open({ seed: { skus: skus(1, 1), ...shirts } });
  const busy = { status: 503, headers: { 'retry-after': '7' } };
  const shirt = rig.store.idsOf('red').productId;
  rig.store.server.faults = new FaultPlan([
    { route: `products/${shirt}/`, share: 1, fault: { kind: 'status', ...busy } },
  ]);
  const result = await rig.publish([rig.change('S0', 5), rig.change('red', 5)]);
  expect(result).toEqual({
    ok: true,
    httpStatus: 200,
    outcomes: [{ kind: 'applied' }, { kind: 'retry', code: 'http_503', retryAfterMs: 7_000 }],
    nextCallInMs: 7_000,
  });
});

test('a shop that does not answer is not asked for the rest', async () => {
  const variable = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`P${i}`, { [`v${i}`]: 1 }]),
  );
  const rig = await open({ seed: { variable } });
  rig.store.server.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_before' } }]);
  const changes = Array.from({ length: 40 }, (_, i) => rig.change(`v${i}`, 5));
  expect((await rig.failure(...changes)).code).toBe('connection_reset');
  expect(rig.asked.length).toBeLessThanOrEqual(4);
});
