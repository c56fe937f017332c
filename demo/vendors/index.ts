import { startAmazon } from './amazon.ts';
import { startEbay } from './ebay.ts';
import { startShopify } from './shopify.ts';
import { startSquare } from './square.ts';
import type { VendorEntry } from './vendor.ts';
import { startWooCommerce } from './woocommerce.ts';

/** Every vendor that there is a server for: one line each. */
export const vendorEntries: readonly VendorEntry[] = [
  { kind: 'shopify', storeId: 'warehouse', start: startShopify },
  { kind: 'amazon', storeId: 'warehouse', start: startAmazon },
  { kind: 'woocommerce', storeId: 'warehouse', start: startWooCommerce },
  { kind: 'ebay', storeId: 'warehouse', start: startEbay },
  { kind: 'square', storeId: 'shop', start: startSquare },
];

export type { Line, Told, Vendor, VendorEntry } from './vendor.ts';
