import type { Api } from './api.ts';
import type { RunningVendor } from './run-vendors.ts';
import { openingStock, shelf, stores } from './shelf.ts';

/**
 * Makes the merchant's stores, counts the shelf into those where it was never counted, and connects
 * the vendors: a channel each, with a listing for every SKU.
 */
export async function setUp(api: Api, vendors: readonly RunningVendor[]): Promise<void> {
  for (const { storeId, ...store } of stores)
    await api.need('PUT', `/api/stores/${storeId}`, store);
  const { items } = await api.need<{ items: { storeId: string; sku: string }[] }>(
    'GET',
    '/api/stock?limit=1000',
  );
  const known = new Set(items.map(({ storeId, sku }) => `${storeId} ${sku}`));
  const mutations = stores
    .flatMap(({ storeId }) => shelf.map(({ sku }) => ({ storeId, sku })))
    .filter(({ storeId, sku }) => !known.has(`${storeId} ${sku}`))
    .map((level) => {
      const id = `opening ${level.storeId} ${level.sku}`;
      return { id, type: 'set', ...level, onHand: openingStock, reason: 'opening' };
    });
  await api.need('POST', '/api/mutations', { mutations });
  await Promise.all(vendors.map((vendor) => connect(api, vendor)));
}

async function connect(api: Api, vendor: RunningVendor): Promise<void> {
  const { kind, storeId, config, credentials, settings } = vendor;
  const path = `/api/channels/${kind}`;
  await api.need('PUT', path, { kind, config, credentials, timeoutMs: 3_000, ...settings });
  const listings = shelf.map(({ sku }) => ({ storeId, sku, externalIds: vendor.idsOf(sku) }));
  await api.need('POST', `${path}/listings`, { listings });
}
