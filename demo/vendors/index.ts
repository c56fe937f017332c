import { startShopify } from './shopify.ts';
import { startSquare } from './square.ts';
import type { VendorEntry } from './vendor.ts';
import { startWooCommerce } from './woocommerce.ts';

/** Every vendor that there is a server for: one line each. */
export const vendorEntries: readonly VendorEntry[] = [
  { kind: 'shopify', storeId: 'warehouse', start: startShopify },
  { kind: 'woocommerce', storeId: 'warehouse', start: startWooCommerce },
  { kind: 'square', storeId: 'shop', start: startSquare },
];

export type { Line, Vendor, VendorEntry, Webhook } from './vendor.ts';
