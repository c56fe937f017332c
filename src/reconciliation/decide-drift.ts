import { sql, type Selectable } from 'kysely';
import { leaveHeld, lockListing, sendHeld } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Refusal, type Result } from '../errors.ts';
import { viewDrift, type DriftView } from './list-drifts.ts';
import type { DriftStatus, DriftTable } from './tables.ts';

type DriftName = { readonly merchantId: string; readonly driftId: string };

/**
 * Approves of what is to be done about a drift: the channel is sent our figure, or ours becomes its
 * owner's. What a run found is measured once more before, by whoever does it: where a figure has
 * changed since, the drift is superseded by what is found then.
 * Refusals: DRIFT.NOT_FOUND, DRIFT.NOT_PENDING (with `driftStatus`).
 */
export function approveDrift(db: Db, drift: DriftName): Promise<Result<DriftView>> {
  return decide(db, drift, 'settling');
}

/**
 * Leaves things as they are: the channel keeps its figure until the level changes next.
 * Refusals: DRIFT.NOT_FOUND, DRIFT.NOT_PENDING (with `driftStatus`).
 */
export function ignoreDrift(db: Db, drift: DriftName): Promise<Result<DriftView>> {
  return decide(db, drift, 'ignored');
}

async function decide(
  db: Db,
  { merchantId, driftId }: DriftName,
  status: 'settling' | 'ignored',
): Promise<Result<DriftView>> {
  return db.transaction().execute(async (tx) => {
    const known = await tx
      .selectFrom('drift')
      .selectAll()
      .where('merchant_id', '=', merchantId)
      .where('drift_id', '=', driftId)
      .executeTakeFirst();
    if (known === undefined) return refused(driftNotFound(driftId));
    const { sku, location_id: storeId, channel_id: channelId } = known;
    const isMeasured = known.reconciliation_id !== null;
    const listing = channelId === null ? undefined : { merchantId, channelId, sku, storeId };
    // The listing before its drift, as deliveries lock them.
    if (listing !== undefined) await lockListing(tx, listing);
    const { rows } = await sql<Selectable<DriftTable>>`
      update drift
      set status = ${status}, updated_at = clock_timestamp(),
          settled_at = case when ${status} = 'ignored' then clock_timestamp() end,
          approved_at = case when ${status} = 'settling' and ${isMeasured}::boolean
            then clock_timestamp() end
      where merchant_id = ${merchantId} and drift_id = ${driftId} and status = 'pending'
      returning *`.execute(tx);
    const [decided] = rows;
    if (decided === undefined) return refused(driftNotPending(driftId, known.status));
    if (listing !== undefined && status === 'ignored') await leaveHeld(tx, listing, driftId);
    else if (listing !== undefined && !isMeasured) await sendHeld(tx, listing, driftId);
    return ok(viewDrift(decided));
  });
}

function driftNotFound(driftId: string): Refusal {
  return refuse('DRIFT.NOT_FOUND', 'There is no such drift.', { driftId });
}

function driftNotPending(driftId: string, driftStatus: DriftStatus): Refusal {
  return refuse('DRIFT.NOT_PENDING', 'Nobody has to decide about this drift.', {
    driftId,
    driftStatus,
  });
}
