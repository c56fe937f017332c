import { startAccount } from '../../emulators/ebay/account.ts';
import type { Vendor, VendorOptions } from './vendor.ts';

/** A seller's account at eBay, whose orders another program of the merchant's tells us. */
export async function startEbay({ stock, faults }: VendorOptions): Promise<Vendor> {
  const account = await startAccount({ seed: { skus: stock }, faults });
  const { server, config, credentials } = account;
  const now = Date.now();
  // Listings of an account that was there before have spent their revisions; these have not.
  for (const [index, offer] of Object.values(account.state.offers).entries()) {
    offer.listingId = `${now}${index}`;
  }
  return {
    server,
    config,
    credentials,
    // A listing may be revised so often a day: changes of two seconds are one revision.
    settings: { batchWindowMs: 2_000 },
    idsOf: (sku) => account.idsOf(sku),
    shown: (sku) => account.shownOf(sku),
    order({ sku, quantity }) {
      account.sell(sku, quantity);
      return { kind: 'adjusted' };
    },
  };
}
