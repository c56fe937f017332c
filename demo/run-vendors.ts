import { randomBytes } from 'node:crypto';
import { faultsOf } from './faults.ts';
import { shelf } from './shelf.ts';
import type { Vendor, VendorEntry } from './vendors/index.ts';

/** A vendor whose server runs, and where it sends its webhooks. */
export type RunningVendor = Vendor &
  Pick<VendorEntry, 'kind' | 'storeId'> & {
    readonly webhookUrl: string;
    /** Since when, in ms since 1970. */
    readonly startedAt: number;
  };

/** Starts a vendor's server with the shelf in it, of which it has nothing yet. */
export async function runVendor(
  { kind, storeId, start }: VendorEntry,
  serviceUrl: string,
  isUnkind: boolean,
): Promise<RunningVendor> {
  const webhookUrl = `${serviceUrl}/api/webhooks/${kind}`;
  const vendor = await start({
    stock: Object.fromEntries(shelf.map(({ sku }) => [sku, 0])),
    webhookUrl,
    webhookSecret: randomBytes(24).toString('hex'),
    faults: faultsOf(isUnkind),
  });
  return { ...vendor, kind, storeId, webhookUrl, startedAt: Date.now() };
}
