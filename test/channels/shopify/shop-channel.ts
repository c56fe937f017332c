import { putListings } from '../../../src/channels/index.ts';
import { adjustStock } from '../../../src/stock/index.ts';
import type { Shop } from '../../../emulators/shopify/shop.ts';
import { merchantId, type DeliveryRig } from '../../jobs/delivery-rig.ts';
import { provenance } from '../../support/stock.ts';

/** Makes the channel `shop` with listings for the SKUs of a shop, or throws. */
export async function connectShop(
  rig: DeliveryRig,
  shop: Shop,
  skus: readonly string[],
  more: { readonly maxAttempts?: number; readonly driftPolicy?: 'ours' | 'hold' } = {},
): Promise<void> {
  const { config, credentials } = shop;
  await rig.connectVendor(shop.server, 'shop', { kind: 'shopify', config, credentials, ...more });
  const listings = skus.map((sku) => ({ storeId: 'main', sku, externalIds: shop.idsOf(sku) }));
  const result = await putListings(rig.db, { merchantId, channelId: 'shop', listings });
  if (!result.ok) throw new Error(result.refusal.code);
}

/** The shop's own sale of a SKU, as we are told of it. */
export async function sellThere(rig: DeliveryRig, sku: string, delta: number): Promise<void> {
  await rig.submit(
    adjustStock({
      level: { merchantId, sku, storeId: 'main' },
      request: { quantity: 'onHand', delta, mode: 'fact' },
      provenance: { ...provenance, sourceChannel: 'shop' },
    }),
  );
}

export type DriftRow = { sku: string; status: string; expected: number; observed: number };

export async function driftsOf(rig: DeliveryRig): Promise<readonly DriftRow[]> {
  const { rows } = await rig.inspector.query<DriftRow>(
    `select sku, status, expected::integer, observed::integer from drift order by drift_id`,
  );
  return rows;
}

/** How many listings of the channel could not be brought there. */
export async function deadListings(rig: DeliveryRig): Promise<number> {
  const { rows } = await rig.inspector.query<{ dead: number }>(
    `select count(*)::integer as dead from listing where state = 'dead'`,
  );
  return rows[0]?.dead ?? Number.NaN;
}
