import { sql } from 'kysely';
import {
  lockShown,
  sendHeld,
  shownListings,
  type ChannelName,
  type ShownListing,
} from '../channels/index.ts';
import type { Db, Tx } from '../db/index.ts';
import { writeChannelDrifts } from './channel-drift.ts';
import type { ChannelReader } from './channel-part.ts';
import type { ReconciliationContext } from './context.ts';

type Approved = {
  readonly drift_id: string;
  readonly sku: string;
  readonly location_id: string;
  readonly expected: number;
  readonly observed: number;
  readonly reconciliation_id: string | null;
};

/** Channels of which somebody approved a drift that is to be looked at once more. */
export async function approvedChannels(db: Db): Promise<readonly ChannelName[]> {
  const { rows } = await sql<{ merchant_id: string; channel_id: string }>`
    select distinct merchant_id, channel_id from drift
    where status = 'settling' and approved_at is not null and channel_id is not null`.execute(db);
  return rows.map((row) => ({ merchantId: row.merchant_id, channelId: row.channel_id }));
}

/**
 * Looks once more at drifts of a channel that somebody approved of. Where both figures are what
 * they were, ours is sent; where one has changed, the drift is not settled blindly: what is found
 * now takes its place. What anything is on its way to is left to the delivery.
 * @returns whether anything was done
 */
export async function checkApproved(
  context: ReconciliationContext,
  reader: ChannelReader,
): Promise<boolean> {
  const { db } = context;
  const { merchantId, channelId } = reader;
  const drifts: readonly Approved[] = await db
    .selectFrom('drift')
    .select(['drift_id', 'sku', 'location_id', 'expected', 'observed', 'reconciliation_id'])
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .where('status', '=', 'settling')
    .where('approved_at', 'is not', null)
    .orderBy('drift_id')
    .limit(reader.maxBatch ?? 100)
    .execute();
  if (drifts.length === 0) return false;
  const keys = drifts.map((drift) => ({ sku: drift.sku, storeId: drift.location_id }));
  const before = await shownListings(db, reader, keys);
  const asked = before.filter(({ state }) => state !== 'queued');
  const shown = await ask(reader, asked);
  if (shown === undefined) return false;
  await db.transaction().execute(async (tx) => {
    await lockShown(tx, reader, keys);
    const now = new Map((await shownListings(tx, reader, keys)).map((one) => [keyOf(one), one]));
    for (const drift of drifts) {
      const key = keyOf({ sku: drift.sku, storeId: drift.location_id });
      const listing = now.get(key);
      const seen = shown.get(key);
      // One that a delivery is at has its drift settled or told anew by it.
      const isOurs = listing?.driftId === drift.drift_id && listing.state !== 'queued';
      // Something happened while it was read: it is looked at again.
      if (isOurs && listing.mark !== seen?.listing.mark) continue;
      if (isOurs && seen !== undefined) await settle(tx, context, reader, drift, seen);
      await tx
        .updateTable('drift')
        .set({ approved_at: null })
        .where('merchant_id', '=', merchantId)
        .where('drift_id', '=', drift.drift_id)
        .execute();
    }
  });
  return true;
}

type SeenListing = { readonly listing: ShownListing; readonly observed: number | null };

async function settle(
  tx: Tx,
  context: ReconciliationContext,
  reader: ChannelReader,
  drift: Approved,
  { listing, observed }: SeenListing,
): Promise<void> {
  const { merchantId, channelId } = reader;
  const { sku, storeId } = listing;
  const isAsItWas = listing.ours === drift.expected && observed === drift.observed;
  if (isAsItWas || observed === null || observed === listing.ours) {
    await sendHeld(tx, { merchantId, channelId, sku, storeId }, drift.drift_id);
    return;
  }
  const found = { listing: { ...listing, expected: listing.ours }, observed };
  await writeChannelDrifts(tx, context, reader, drift.reconciliation_id, [found]);
}

/** What listings show; a channel that cannot be read shows what it did. Undefined: not now. */
async function ask(
  reader: ChannelReader,
  listings: readonly ShownListing[],
): Promise<ReadonlyMap<string, SeenListing> | undefined> {
  if (reader.maxBatch === undefined || listings.length === 0) {
    return new Map(listings.map((listing) => [keyOf(listing), { listing, observed: null }]));
  }
  const result = await reader.read(listings);
  if (result === undefined || !result.ok) return undefined;
  return new Map(
    listings.map((listing, index) => {
      return [keyOf(listing), { listing, observed: result.quantities[index] ?? null }];
    }),
  );
}

function keyOf({ sku, storeId }: { readonly sku: string; readonly storeId: string }): string {
  return `${sku}\u0000${storeId}`;
}
