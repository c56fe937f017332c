import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { requestListing, type ListingName } from './listing-requests.ts';
import { listListings, type ListingView } from './listings.ts';

/**
 * Shows 0 of a SKU on a channel until it is resumed, whatever is available, or shows it again. The
 * channel's leader sends it at once. Doing it twice changes nothing.
 * Refusals: CHANNEL.NOT_FOUND, LISTING.NOT_FOUND.
 */
export async function pauseListing(
  db: Db,
  listing: ListingName,
  isPaused: boolean,
): Promise<Result<ListingView>> {
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      update listing
      set paused_at = case when ${isPaused}::boolean then clock_timestamp() end,
          rules_version = rules_version + 1
      where merchant_id = ${listing.merchantId} and channel_id = ${listing.channelId}
        and sku = ${listing.sku} and location_id = ${listing.storeId}
        and (paused_at is not null) <> ${isPaused}::boolean
      returning sku`.execute(tx);
    if (rows.length > 0) await requestListing(tx, listing);
  });
  const found = await listListings(db, { ...listing, limit: 1 });
  if (!found.ok) return found;
  const [view] = found.value.items;
  const { sku, storeId } = listing;
  return view === undefined
    ? refused(refuse('LISTING.NOT_FOUND', 'The channel has no such listing.', { sku, storeId }))
    : ok(view);
}
