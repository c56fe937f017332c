import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import { requestListing, type ListingName } from './listing-requests.ts';

/**
 * Sends our figure to a listing that has the drift: one that waited because of it, or one that
 * nothing was sent to since, although the channel knows its version.
 */
export async function sendHeld(tx: Tx, listing: ListingName, driftId: string): Promise<void> {
  // The leader makes the job: until then the listing has one that is not there.
  const { rows } = await sql`
    update listing
    set state = 'queued', job_id = gen_random_uuid(),
        force_nonce = coalesce(force_nonce, ${`drift-${driftId}`})
    where merchant_id = ${listing.merchantId} and channel_id = ${listing.channelId}
      and sku = ${listing.sku} and location_id = ${listing.storeId}
      and state in ('held', 'idle', 'dead') and drift_id = ${driftId}
    returning sku`.execute(tx);
  if (rows.length > 0) await requestListing(tx, listing);
}

/** Leaves the channel's figure as it is until the level changes next. */
export async function leaveHeld(tx: Tx, listing: ListingName, driftId: string): Promise<void> {
  await sql`
    update listing l
    set state = 'idle', published_version = greatest(l.published_version, l.wanted_version),
        told_rules = c.rules_version + l.rules_version, pending_since = null, force_nonce = null
    from channel c
    where l.merchant_id = ${listing.merchantId} and l.channel_id = ${listing.channelId}
      and l.sku = ${listing.sku} and l.location_id = ${listing.storeId}
      and l.state = 'held' and l.drift_id = ${driftId}
      and c.merchant_id = l.merchant_id and c.channel_id = l.channel_id`.execute(tx);
}

/** Keeps a listing as it is until the end of the transaction. */
export async function lockListing(tx: Tx, listing: ListingName): Promise<void> {
  await tx
    .selectFrom('listing')
    .select('sku')
    .where('merchant_id', '=', listing.merchantId)
    .where('channel_id', '=', listing.channelId)
    .where('sku', '=', listing.sku)
    .where('location_id', '=', listing.storeId)
    .forUpdate()
    .execute();
}
