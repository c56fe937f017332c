import type { PoolClient } from 'pg';
import { newId } from '../ids.ts';
import { quantityFromColumn } from '../stock/index.ts';
import { isOwned } from './ownership.ts';
import type { SnapshotState } from './tables.ts';
import type { SourceName } from './write-page.ts';

type MissingRow = { sku: string; location_id: string; quantity: string; value: number };

/**
 * A full read has ended: figures that it did not show are gone at the source. They are parked as
 * falls to zero, to be settled with the others of the run; a figure that was taken since the read
 * began stays, and so does what the source does not own any more. Nothing is parked when rows of
 * the read did not say what they are about.
 */
export async function parkMissing(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  { generation, startedAt, placeless = 0 }: SnapshotState,
  runId: string,
): Promise<void> {
  if (placeless > 0) return;
  const { rows } = await client.query<MissingRow>(
    `select f.sku, f.location_id, f.quantity, f.value from source_figure f
     where f.merchant_id = $1 and f.source_id = $2 and f.generation < $3 and f.value > 0
       and ${isOwned('f')}`,
    [merchantId, sourceId, generation],
  );
  if (rows.length === 0) return;
  await client.query(
    `insert into source_quarantine (merchant_id, source_id, run_id, observed_at, quarantine_id, sku,
       location_id, quantity, current_value, item, value, cause, status, created_at)
     select $1, $2, $3, $4, u.*, 0, 'mass_zero', 'parked', clock_timestamp()
     from unnest($5::text[], $6::text[], $7::text[], $8::stock_quantity[], $9::integer[],
       $10::jsonb[]) as u(quarantine_id, sku, location_id, quantity, current_value, item)
     on conflict (merchant_id, source_id, sku, location_id, quantity)
       where status in ('parked', 'pending') do nothing`,
    [
      merchantId,
      sourceId,
      runId,
      startedAt,
      rows.map(() => newId('qtn')),
      rows.map((row) => row.sku),
      rows.map((row) => row.location_id),
      rows.map((row) => row.quantity),
      rows.map((row) => row.value),
      rows.map((row) =>
        JSON.stringify({
          id: `missing-${generation}`,
          sku: row.sku,
          storeId: row.location_id,
          quantity: quantityFromColumn(row.quantity),
          op: 'delete',
          value: 0,
          observedAt: startedAt,
          missingIn: generation,
        }),
      ),
    ],
  );
}
