import { sql } from 'kysely';
import type { ObservedDrift } from '../channels/index.ts';
import type { Tx } from '../db/index.ts';
import type { EntriesSince } from '../stock/index.ts';
import type { DriftCause, DriftStatus } from './tables.ts';

/** A drift as a run writes it down. */
export type NewDrift = {
  readonly driftId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly quantity: string | null;
  readonly expected: number;
  readonly observed: number;
  readonly cause: DriftCause;
  readonly action: 'send_ours' | 'adjust_ours';
  readonly status: 'pending' | 'settling';
  readonly version: number;
  readonly agreedAt: Date | null;
  readonly ledger: EntriesSince;
  readonly seen: unknown;
};

/** Whose drifts they are, and which run found them. */
export type DriftScope = {
  readonly merchantId: string;
  readonly reconciliationId: string | null;
  readonly channelId: string | null;
  readonly sourceId: string | null;
};

/** Writes down what a run found. */
export async function insertDrifts(
  tx: Tx,
  { merchantId, reconciliationId, channelId, sourceId }: DriftScope,
  drifts: readonly NewDrift[],
): Promise<void> {
  if (drifts.length === 0) return;
  await tx
    .insertInto('drift')
    .values(
      drifts.map((drift) => ({
        merchant_id: merchantId,
        drift_id: drift.driftId,
        sku: drift.sku,
        location_id: drift.storeId,
        channel_id: channelId,
        source_id: sourceId,
        quantity: drift.quantity,
        reconciliation_id: reconciliationId,
        expected: drift.expected,
        observed: drift.observed,
        units: drift.expected - drift.observed,
        cause: drift.cause,
        action: drift.action,
        status: drift.status,
        settled_at: null,
        version: drift.version,
        agreed_at: drift.agreedAt,
        entry_count: drift.ledger.count,
        entries: JSON.stringify(drift.ledger.newest),
        seen: JSON.stringify(drift.seen),
      })),
    )
    .execute();
}

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

/** Ends drifts that nobody ended yet. */
export async function endDrifts(
  tx: Tx,
  merchantId: string,
  driftIds: readonly string[],
  status: Extract<DriftStatus, 'settled' | 'superseded'>,
): Promise<void> {
  await sql`
    update drift
    set status = ${status}, updated_at = clock_timestamp(), settled_at = clock_timestamp()
    where merchant_id = ${merchantId} and drift_id = any (${[...driftIds]}::text[])
      and status in ('pending', 'settling')`.execute(tx);
}
