import { startAccount } from '../../emulators/amazon/account.ts';
import type { Vendor, VendorOptions } from './vendor.ts';

/**
 * A seller's account at Amazon. Nobody orders there: its orders would come by a queue, and a sale
 * before a patch is seen to be shown is waited for by the minute.
 */
export async function startAmazon({ stock, faults }: VendorOptions): Promise<Vendor> {
  const account = await startAccount({ seed: { skus: stock }, faults, patchMs: 500 });
  const { server, config, credentials } = account;
  return {
    server,
    config,
    credentials,
    // Five patches a second are taken: what changes twice in a second is sent once. A whole shelf
    // takes four seconds.
    settings: { batchWindowMs: 1_000, timeoutMs: 10_000 },
    idsOf: (sku) => ({ sku }),
    shown: (sku) => account.stockOf(sku) ?? null,
  };
}
