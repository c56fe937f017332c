import { sql, type Selectable } from 'kysely';
import type { Db } from '../db/index.ts';
import { viewBuffer, type BufferView } from './buffer.ts';
import type { SafetyBufferTable } from './tables.ts';

export type Place = { readonly sku: string; readonly storeId: string };

/**
 * The rule for each of these levels, the most specific there is: of the SKU at the location, of the
 * SKU, of its category at the location, of its category, of the location, of everything. Undefined
 * where there is none. Each is a look-up by the primary key, however many rules there are.
 */
export async function rulesOfLevels(
  db: Db,
  merchantId: string,
  places: readonly Place[],
): Promise<readonly (BufferView | undefined)[]> {
  if (places.length === 0) return [];
  const { rows } = await sql<Selectable<SafetyBufferTable> | { strategy: null }>`
    select r.*
    from unnest(${places.map(({ sku }) => sku)}::text[],
                ${places.map(({ storeId }) => storeId)}::text[])
         with ordinality as u(sku, location_id, position)
    left join lateral (
      select c.category from safety_category c
      where c.merchant_id = ${merchantId} and c.sku = u.sku offset 0) c on true
    left join lateral (
      select b.* from (values
        (1, '', u.sku, u.location_id), (2, '', u.sku, ''),
        (3, c.category, '', u.location_id), (4, c.category, '', ''),
        (5, '', '', u.location_id), (6, '', '', '')
      ) as scope(place, category, sku, location_id)
      cross join lateral (
        select * from safety_buffer b
        where b.merchant_id = ${merchantId} and b.category = scope.category
          and b.sku = scope.sku and b.location_id = scope.location_id offset 0) b
      order by scope.place limit 1) r on true
    order by u.position`.execute(db);
  return rows.map((row) => (row.strategy === null ? undefined : viewBuffer(row)));
}
