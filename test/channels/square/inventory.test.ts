import { expect, onTestFinished, test } from 'vitest';
import type { DiscoveredItem, DiscoverResult } from '../../../src/channels/adapter.ts';
import type { SellerOptions } from '../../../emulators/square/seller.ts';
import { SellerRig, skus } from './seller-rig.ts';

async function open(options: SellerOptions = {}): Promise<SellerRig> {
  const rig = await SellerRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

const places = { seed: { skus: skus(5, 7), locations: ['L1', 'L2'] } };

test('what Square shows is read in the order asked for, null where it has nothing', async () => {
  const rig = await open({ ...places, pageSize: 2 });
  rig.pass(1_000);
  rig.seller.sell('S1', 9, 'L2');
  const ids = (sku: string, place?: string) => rig.seller.idsOf(sku, place);
  const asked = [ids('S4'), ids('S1', 'L2'), null, { ...ids('S0'), locationId: 'L9' }, ids('S0')];
  const listings = asked.map((externalIds, i) => ({ storeId: 'main', sku: `x${i}`, externalIds }));
  const read = await rig.adapter.read?.(listings, rig.context());
  expect(read).toEqual({ ok: true, quantities: [7, -2, null, null, 7] });
  expect(rig.seller.state.invalid).toEqual([]);
});

async function discoverAll(rig: SellerRig): Promise<readonly DiscoveredItem[]> {
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

test('every variation is discovered at every active location, over all pages', async () => {
  const rig = await open({ ...places, pageSize: 2 });
  rig.seller.state.locations.push({ id: 'L3', name: 'Closed', status: 'INACTIVE' });
  const items = await discoverAll(rig);
  expect(items).toHaveLength(10);
  expect(items).toContainEqual({
    externalIds: { catalogObjectId: 'V5', locationId: 'L2' },
    sku: 'S4',
    title: 'Item S4 Regular',
    location: { id: 'L2', name: 'Location L2' },
    quantity: 7,
  });
  const keys = items.map(({ externalIds }) => rig.adapter.listingKey?.(externalIds));
  expect(new Set(keys).size).toBe(10);
  expect(rig.seller.state.invalid).toEqual([]);
});

test.each([
  [{ catalogObjectId: 'V1', locationId: 'L1' }, 'V1 L1'],
  [{ catalogObjectId: 'V1' }, ''],
  [{ catalogObjectId: 'V 1', locationId: 'L1' }, ''],
  [null, ''],
])('the ids %j have the key %j', async (externalIds, key) => {
  const rig = await open();
  expect(rig.adapter.listingKey?.(externalIds)).toBe(key);
});
