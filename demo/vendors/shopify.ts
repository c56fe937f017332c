import { placeOrder } from '../../emulators/shopify/orders.ts';
import { startShop } from '../../emulators/shopify/shop.ts';
import { signedOrderWebhook } from '../../emulators/shopify/webhooks.ts';
import type { Vendor, VendorOptions } from './vendor.ts';

/** A shop at Shopify. */
export async function startShopify(options: VendorOptions): Promise<Vendor> {
  const { webhookSecret, faults } = options;
  const shop = await startShop({ seed: { skus: options.stock }, faults });
  const { server, state, config, credentials } = shop;
  // Orders of a shop that was there before are no orders of this one.
  state.lastId = Date.now();
  return {
    server,
    config,
    credentials: { ...credentials, webhookSecret },
    idsOf: (sku) => shop.idsOf(sku),
    shown: (sku) => shop.available(sku) ?? null,
    order({ sku, quantity }) {
      const lines = [{ itemId: shop.idsOf(sku).inventoryItemId, quantity }];
      const order = placeOrder(state, { lines, at: new Date() });
      const how = { topic: 'orders/create' };
      return { kind: 'webhook', ...signedOrderWebhook(order, webhookSecret, how) };
    },
  };
}
