import type { Pool } from 'pg';
import { textArray } from '../db/index.ts';
import { levelId, type LevelKey } from './level.ts';

/* What exists, but for what can be locked. */
const lockedQuery = `
  with wanted as materialized (
    select * from unnest($1::text[], $2::text[], $3::text[]) as u(merchant_id, sku, location_id)
  ), free as materialized (
    select w.* from wanted w
    cross join lateral (
      select from stock_level s
      where s.merchant_id = w.merchant_id and s.sku = w.sku and s.location_id = w.location_id
      for update skip locked) s
  )
  select w.merchant_id, w.sku, w.location_id from wanted w
  cross join lateral (
    select from stock_level s
    where s.merchant_id = w.merchant_id and s.sku = w.sku and s.location_id = w.location_id
    offset 0) s
  except select * from free`;

/**
 * Of these levels those whose rows somebody else holds locked just now, by `levelId`. Takes the
 * locks of the others for the moment of the question.
 */
export async function lockedLevels(
  pool: Pool,
  keys: readonly LevelKey[],
): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ merchant_id: string; sku: string; location_id: string }>(
    lockedQuery,
    [
      textArray(keys.map((key) => key.merchantId)),
      textArray(keys.map((key) => key.sku)),
      textArray(keys.map((key) => key.storeId)),
    ],
  );
  return new Set(
    rows.map(({ merchant_id: merchantId, sku, location_id: storeId }) =>
      levelId({ merchantId, sku, storeId }),
    ),
  );
}
