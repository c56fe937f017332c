import { startSeller } from '../../emulators/square/seller.ts';
import type { EmulatedOrder } from '../../emulators/square/state.ts';
import { signedOrderWebhook } from '../../emulators/square/webhooks.ts';
import type { Vendor, VendorOptions } from './vendor.ts';

/** A seller's account at Square. Its webhooks only name an order, which is then asked for. */
export async function startSquare(options: VendorOptions): Promise<Vendor> {
  const { webhookSecret: signatureKey, webhookUrl: notificationUrl, faults } = options;
  const seller = await startSeller({ seed: { skus: options.stock }, faults });
  const { server, state, config, credentials } = seller;
  // Orders of an account that was there before are no orders of this one.
  let lastOrder = Date.now();
  return {
    server,
    config: { ...config, notificationUrl },
    credentials: { ...credentials, webhookSignatureKey: signatureKey },
    idsOf: (sku) => seller.idsOf(sku),
    shown: (sku) => seller.stockOf(sku) ?? null,
    order({ sku, quantity }) {
      lastOrder += 1;
      const { catalogObjectId, locationId } = seller.idsOf(sku);
      const order: EmulatedOrder = {
        id: `O-${lastOrder}`,
        location_id: locationId,
        state: 'COMPLETED',
        version: 1,
        updated_at: new Date().toISOString(),
        line_items: [{ uid: '1', catalog_object_id: catalogObjectId, quantity: String(quantity) }],
      };
      state.orders[order.id] = order;
      seller.sell(sku, quantity);
      const how = { signatureKey, notificationUrl };
      return { kind: 'webhook', ...signedOrderWebhook(order, how) };
    },
  };
}
