import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DiscoveredItem, DiscoverResult } from '../../../src/channels/adapter.ts';
import { ShopRig, skus } from './shop-rig.ts';

let rig: ShopRig;
const clock = { now: Date.parse('2026-11-21T00:00:00Z') };

beforeAll(async () => {
  rig = await ShopRig.open({
    seed: { skus: skus(230, 10), locations: [1, 2] },
    now: () => clock.now,
  });
  const untracked = rig.shop.state.items[rig.shop.idsOf('S1').inventoryItemId];
  if (untracked !== undefined) untracked.tracked = false;
  const elsewhere = rig.shop.state.items[rig.shop.idsOf('S2').inventoryItemId];
  delete elsewhere?.available['gid://shopify/Location/2'];
});

afterAll(() => rig.close());

test('reads what listings show, in their order', async () => {
  rig.shop.setByHand('S5', -3, 2);
  const listing = (sku: string, location: number) => ({
    storeId: 'main',
    sku,
    externalIds: rig.shop.idsOf(sku, location),
  });
  const unknown = {
    inventoryItemId: 'gid://shopify/InventoryItem/1',
    locationId: 'gid://shopify/Location/1',
  };
  const result = await rig.adapter.read?.(
    [
      listing('S5', 2),
      listing('S5', 1),
      listing('S2', 2),
      { storeId: 'main', sku: 'X', externalIds: unknown },
      { storeId: 'main', sku: 'Y', externalIds: null },
    ],
    rig.context(),
  );
  expect(result).toEqual({ ok: true, quantities: [-3, 10, null, null, null] });
});

test('discovers everything that is stocked, page by page', async () => {
  const items: DiscoveredItem[] = [];
  let cursor: string | null = null;
  let pages = 0;
  let isDone = false;
  while (!isDone) {
    const page: DiscoverResult | undefined = await rig.adapter.discover?.(cursor, rig.context());
    if (page?.ok === false && page.failure.isThrottled === true) {
      clock.now += page.failure.retryAfterMs ?? 0;
      continue;
    }
    if (page?.ok !== true) throw new Error('no page');
    items.push(...page.items);
    cursor = page.nextCursor;
    pages += 1;
    isDone = cursor === null;
  }
  expect(pages).toBe(6);
  expect(rig.shop.state.throttled).toBeLessThanOrEqual(pages);
  expect(items).toHaveLength(230 + 229);
  const keys = items.map(({ externalIds }) => rig.adapter.listingKey?.(externalIds));
  expect(new Set(keys).size).toBe(items.length);
  expect(items.filter(({ sku }) => sku === 'S2')).toEqual([
    {
      externalIds: rig.shop.idsOf('S2', 1),
      sku: 'S2',
      title: 'Item S2',
      location: { id: 'gid://shopify/Location/1', name: 'Location 1' },
      quantity: 10,
    },
  ]);
  // Shopify does not count it.
  expect(items.find(({ sku }) => sku === 'S1')?.quantity).toBeNull();
});

test.each(['no JSON', '{}', '["a"]'])('the cursor %s is refused', async (cursor) => {
  const result = await rig.adapter.discover?.(cursor, rig.context());
  expect(result).toMatchObject({ ok: false, failure: { code: 'cursor_invalid' } });
});

test('verify knows a wrong token, another shop and a missing scope', async () => {
  clock.now += 60_000;
  const verify = async (more = {}) => rig.adapter.verify?.(rig.context(more));
  expect(await verify()).toEqual({ ok: true, httpStatus: 200 });
  const wrong = await verify({ credentials: { accessToken: 'shpat_other' } });
  expect(wrong).toMatchObject({ failure: { code: 'unauthorized' } });
  const config = { ...rig.config, shopDomain: 'another.myshopify.com' };
  expect(await verify({ config })).toMatchObject({ failure: { code: 'shop_mismatch' } });
  rig.shop.state.scopes = ['read_inventory'];
  expect(await verify()).toMatchObject({ failure: { code: 'scope_missing' } });
});

test.each([
  [{}, '2026-07'],
  [{ apiVersion: '2026-10' }, '2026-10'],
  [{ apiVersion: '2026-04' }, undefined],
  [{ apiVersion: 'latest' }, undefined],
  [{ shopDomain: 'shop.example.com' }, undefined],
  [{ shopDomain: 'Shop.myshopify.com' }, undefined],
  [{ shopDomain: 'shop.example.com', baseUrl: 'https://local.example' }, '2026-07'],
  [{ baseUrl: 'ftp://example.com' }, undefined],
  [{ more: 1 }, undefined],
])('the config %j has version %s', (more, expected) => {
  const parsed = rig.adapter.configSchema.safeParse({ shopDomain: 'a.myshopify.com', ...more });
  expect(parsed.data?.apiVersion).toBe(expected);
});

test('an address is the shop’s, whatever the version', () => {
  const { adapter } = rig;
  const shopDomain = 'a.myshopify.com';
  const address = adapter.address({ shopDomain, apiVersion: '2026-07' });
  expect(adapter.address({ shopDomain, apiVersion: '2026-10' })).toBe(address);
  expect(adapter.address({ shopDomain: 'b.myshopify.com', apiVersion: '2026-07' })).not.toBe(
    address,
  );
});

test('a listing has the numbers of one item at one location', () => {
  const { externalIdsSchema } = rig.adapter;
  const ids = rig.shop.idsOf('S0');
  expect(externalIdsSchema?.safeParse(ids).success).toBe(true);
  const wrong = [
    { ...ids, locationId: '1' },
    { ...ids, inventoryItemId: ids.locationId },
    { inventoryItemId: ids.inventoryItemId },
    null,
  ];
  for (const one of wrong) expect(externalIdsSchema?.safeParse(one).success).toBe(false);
});
