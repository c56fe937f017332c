import { productOf, writeStock } from '../../emulators/woocommerce/state.ts';
import { startStore } from '../../emulators/woocommerce/store.ts';
import { signedOrderWebhook } from '../../emulators/woocommerce/webhooks.ts';
import type { Vendor, VendorOptions } from './vendor.ts';

/** A shop of WooCommerce's. */
export async function startWooCommerce(options: VendorOptions): Promise<Vendor> {
  const { webhookSecret, faults } = options;
  const shop = await startStore({ seed: { skus: options.stock }, faults });
  const { server, state, config, credentials } = shop;
  // Orders of a shop that was there before are no orders of this one.
  let lastOrder = Date.now();
  return {
    server,
    config,
    credentials: { ...credentials, webhookSecret },
    idsOf: (sku) => shop.idsOf(sku),
    shown: (sku) => shop.stockOf(sku),
    order({ sku, quantity }) {
      lastOrder += 1;
      const product = productOf(state, sku);
      writeStock(state, product, (product.stockQuantity ?? 0) - quantity, 'order');
      const lines = [{ id: 1, productId: product.id, sku, quantity }];
      const sentAt = new Date();
      const modifiedAt = sentAt.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
      const order = { id: lastOrder, status: 'processing', modifiedAt, lines };
      const how = { topic: 'order.created', sentAt };
      return { kind: 'webhook', ...signedOrderWebhook(order, webhookSecret, how) };
    },
  };
}
