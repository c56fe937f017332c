import { sql } from 'kysely';
import type { ObservedDrift } from '../channels/index.ts';
import type { Tx } from '../db/index.ts';

/**
 * Writes down that a channel showed other figures than it had been told: it was changed there.
 * Either ours is on its way to it, or it waits until somebody approves.
 */
export async function recordDrifts(
  tx: Tx,
  channel: { readonly merchantId: string; readonly channelId: string },
  drifts: readonly ObservedDrift[],
): Promise<void> {
  if (drifts.length === 0) return;
  const { merchantId, channelId } = channel;
  const before = drifts.flatMap(({ driftBefore }) => driftBefore ?? []);
  if (before.length > 0) await endDrifts(tx, merchantId, before, 'superseded');
  await tx
    .insertInto('drift')
    .values(
      drifts.map(({ driftId, sku, storeId, expected, observed, nextJobId }) => ({
        merchant_id: merchantId,
        drift_id: driftId,
        sku,
        location_id: storeId,
        channel_id: channelId,
        source_id: null,
        expected: expected ?? observed,
        observed,
        units: (expected ?? observed) - observed,
        cause: 'channel_changed',
        action: 'send_ours',
        status: nextJobId === null ? ('pending' as const) : ('settling' as const),
        settled_at: null,
      })),
    )
    .execute();
}

/** Notes that the listings of drifts show our figures now. */
export async function settleDrifts(
  tx: Tx,
  merchantId: string,
  driftIds: readonly string[],
): Promise<void> {
  if (driftIds.length > 0) await endDrifts(tx, merchantId, driftIds, 'settled');
}

async function endDrifts(
  tx: Tx,
  merchantId: string,
  driftIds: readonly string[],
  status: 'settled' | 'superseded',
): Promise<void> {
  await sql`
    update drift
    set status = ${status}, updated_at = clock_timestamp(), settled_at = clock_timestamp()
    where merchant_id = ${merchantId} and drift_id = any (${[...driftIds]}::text[])
      and status in ('pending', 'settling')`.execute(tx);
}
