import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/**
 * Makes a snapshot of levels that have changed since their last one, so that a later question
 * about today reads no older entries.
 * @param limit the most in one call
 * @returns how many were made
 */
export async function snapshotLevels(db: Db, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into stock_snapshot (merchant_id, sku, location_id, version, on_hand, reserved,
      allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
    select s.merchant_id, s.sku, s.location_id, s.version, s.on_hand, s.reserved, s.allocated,
      s.open_orders, s.pending_sales, s.unavailable, s.safety_stock, s.incoming, s.updated_at
    from stock_level s
    where not exists (
      select from stock_snapshot t
      where t.merchant_id = s.merchant_id and t.sku = s.sku and t.location_id = s.location_id
        and t.version = s.version)
    limit ${limit}
    on conflict do nothing`.execute(db);
  return Number(numAffectedRows ?? 0);
}
