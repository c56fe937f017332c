import { expect, onTestFinished, test } from 'vitest';
import type { DiscoveredItem, DiscoverResult } from '../../../src/channels/adapter.ts';
import type { StoreOptions } from '../../../emulators/woocommerce/store.ts';
import { addProduct } from '../../../emulators/woocommerce/state.ts';
import { skus, StoreRig } from './store-rig.ts';

async function open(options: StoreOptions = {}): Promise<StoreRig> {
  const rig = await StoreRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

test('what the shop shows is read in the order asked for, null where it has nothing', async () => {
  const rig = await open({ seed: { skus: skus(3, 7), variable: { Shirt: { red: 4 } } } });
  addProduct(rig.store.state, { sku: 'loose' });
  rig.store.setByHand('S2', -2);
  const listing = (sku: string, externalIds: unknown = rig.store.idsOf(sku)) => {
    return { storeId: 'main', sku, externalIds };
  };
  const listings = [
    listing('red'),
    listing('S2'),
    listing('loose'),
    listing('gone', { productId: 9_999 }),
    listing('none', null),
    listing('S0'),
  ];
  const read = await rig.adapter.read?.(listings, rig.context());
  expect(read).toEqual({ ok: true, quantities: [4, -2, null, null, null, 7] });
});

test('a hundred listings are read in one request', async () => {
  const rig = await open({ seed: { skus: skus(100, 3) } });
  const listings = Object.keys(skus(100, 3)).map((sku) => {
    return { storeId: 'main', sku, externalIds: rig.store.idsOf(sku) };
  });
  const read = await rig.adapter.read?.(listings, rig.context());
  expect(read).toEqual({ ok: true, quantities: listings.map(() => 3) });
  expect(rig.asked).toEqual(['GET products']);
});

test('what is read at once fits the default timeout, with a second for each request', async () => {
  const names = Object.keys(skus(100, 3));
  const parents = Object.fromEntries(names.map((sku) => [`parent of ${sku}`, { [sku]: 3 }]));
  const rig = await open({ seed: { variable: parents } });
  const asked = names.slice(0, rig.adapter.maxRead ?? rig.adapter.maxBatch);
  const listings = asked.map((sku) => {
    return { storeId: 'main', sku, externalIds: rig.store.idsOf(sku) };
  });
  const read = await rig.adapter.read?.(listings, rig.context());
  expect(read).toEqual({ ok: true, quantities: listings.map(() => 3) });
  // Each product's variations are a request, and four are under way at a time.
  expect(Math.ceil(rig.asked.length / 4)).toBeLessThanOrEqual(5);
});

async function discoverAll(rig: StoreRig): Promise<readonly DiscoveredItem[]> {
  const items: DiscoveredItem[] = [];
  let cursor: string | null = null;
  do {
    const page: DiscoverResult | undefined = await rig.adapter.discover?.(cursor, rig.context());
    if (page?.ok !== true) throw new Error('the page was not read');
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

test.each([
  [true, 'the shop says how many pages there are'],
  [false, 'nobody says so'],
])('all products and variations are discovered once: %s, %s', async (tellsTotals) => {
  const red = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`red${i}`, i]));
  const variable = { Shirt: red, Hat: { wool: 2 } };
  const rig = await open({ seed: { skus: skus(240, 7), variable } });
  rig.store.state.tellsTotals = tellsTotals;
  const items = await discoverAll(rig);
  const found = items.flatMap(({ sku }) => (sku === null ? [] : [sku]));
  expect(found.toSorted()).toEqual(
    [...Object.keys(skus(240, 7)), ...Object.keys(red), 'wool'].toSorted(),
  );
  expect(items).toContainEqual({
    externalIds: rig.store.idsOf('wool'),
    sku: 'wool',
    title: 'Hat Product wool',
    quantity: 2,
  });
  const ids = items.map(({ externalIds }) => rig.adapter.listingKey?.(externalIds));
  expect(new Set(ids).size).toBe(items.length);
});

test('a cursor of somebody else is refused', async () => {
  const rig = await open();
  for (const cursor of ['3', '{}', 'x', '{"page":0}']) {
    expect(await rig.adapter.discover?.(cursor, rig.context())).toMatchObject({
      failure: { code: 'cursor_invalid', scope: 'request' },
    });
  }
  expect(rig.asked).toEqual([]);
});

test.each([
  [{ productId: 7 }, '7'],
  [{ productId: 7, variationId: 8 }, '8'],
  [{ productId: '7' }, '7'],
  [{ productId: '07' }, ''],
  [{ productId: 0 }, ''],
  [null, ''],
])('the ids %j have the key %j', async (externalIds, key) => {
  const rig = await open();
  expect(rig.adapter.listingKey?.(externalIds)).toBe(key);
});
