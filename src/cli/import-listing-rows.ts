import { putListings, type ChannelRow } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import { UsageError } from '../errors.ts';
import { getLocation } from '../stock/index.ts';
import type { ListingRow } from './listing-file.ts';

/**
 * Lists rows of a file. Those at stores that do not exist are told, and the others are listed.
 * @param options.stores by id whether they exist, as far as it is known; grows
 * @returns how many were listed, or with `dryRun` would be
 */
export async function importListingRows(
  db: Db,
  { merchant_id: merchantId, channel_id: channelId }: ChannelRow,
  rows: readonly ListingRow[],
  options: {
    readonly dryRun: boolean;
    readonly stores: Map<string, boolean>;
    readonly onBadRow: (line: number, problem: string) => void;
  },
): Promise<number> {
  const { stores } = options;
  for (const { storeId } of rows) {
    if (stores.has(storeId)) continue;
    stores.set(storeId, (await getLocation(db, merchantId, storeId)) !== undefined);
  }
  const listings = rows.filter(({ storeId }) => stores.get(storeId));
  for (const { storeId, line } of rows) {
    if (!stores.get(storeId)) options.onBadRow(line, `there is no store "${storeId}"`);
  }
  if (options.dryRun || listings.length === 0) return listings.length;
  const result = await putListings(db, { merchantId, channelId, listings });
  if (!result.ok) throw new UsageError(result.refusal.detail);
  return listings.length;
}
