import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { LevelView } from './level.ts';

type LevelRow = {
  sku: string;
  location_id: string;
  on_hand: number;
  reserved: number;
  allocated: number;
  open_orders: number;
  pending_sales: number;
  unavailable: number;
  safety_stock: number;
  incoming: number;
  available: number;
  version: number;
  updated_at: Date;
};

/** A list's columns: holds that have ended are free, whether swept or not. */
function levelColumns(offsetMs: number): RawBuilder<unknown> {
  return sql`
    s.sku, s.location_id, s.on_hand, s.reserved - h.ended as reserved, s.allocated, s.open_orders,
    s.pending_sales, s.unavailable, s.safety_stock, s.incoming, s.version, s.updated_at,
    s.on_hand::bigint - (s.reserved - h.ended) - s.allocated - s.open_orders - s.pending_sales
      - s.unavailable - s.safety_stock as available
    from stock_level s
    cross join lateral (select case when s.first_hold_ends_at
        <= clock_timestamp() + ${offsetMs} * interval '1 millisecond'
      then expired_holds(s.merchant_id, s.sku, s.location_id,
        clock_timestamp() + ${offsetMs} * interval '1 millisecond')
      else 0 end as ended) h`;
}

function toView(row: LevelRow): LevelView {
  return {
    storeId: row.location_id,
    sku: row.sku,
    onHand: row.on_hand,
    reserved: row.reserved,
    allocated: row.allocated,
    openOrders: row.open_orders,
    pendingSales: row.pending_sales,
    unavailable: row.unavailable,
    safetyStock: row.safety_stock,
    incoming: row.incoming,
    available: row.available,
    version: row.version,
    updatedAt: row.updated_at.toISOString(),
  };
}

export type LevelFilter = PageRequest<{ readonly sku: string; readonly storeId: string }> & {
  readonly merchantId: string;
  readonly sku?: string | undefined;
  readonly storeId?: string | undefined;
  readonly updatedAfter?: Date | undefined;
  readonly belowAvailable?: number | undefined;
  readonly oversold?: boolean | undefined;
  /** Only levels that keep something back as safety stock. */
  readonly keepsBack?: true | undefined;
};

/** Levels ordered by SKU and store, at most `limit` of them. */
export async function listLevels(
  db: Db,
  filter: LevelFilter,
  offsetMs: number,
): Promise<PageOf<LevelView, { sku: string; storeId: string }>> {
  const conditions = [sql`s.merchant_id = ${filter.merchantId}`];
  if (filter.sku !== undefined) conditions.push(sql`s.sku = ${filter.sku}`);
  if (filter.storeId !== undefined) conditions.push(sql`s.location_id = ${filter.storeId}`);
  if (filter.updatedAfter !== undefined) {
    conditions.push(sql`s.updated_at > ${filter.updatedAfter}`);
  }
  if (filter.keepsBack === true) conditions.push(sql`s.safety_stock <> 0`);
  if (filter.after !== undefined) {
    conditions.push(sql`(s.sku, s.location_id) > (${filter.after.sku}, ${filter.after.storeId})`);
  }
  const outer = [];
  if (filter.belowAvailable !== undefined) outer.push(sql`available < ${filter.belowAvailable}`);
  if (filter.oversold !== undefined) {
    outer.push(filter.oversold ? sql`available < 0` : sql`available >= 0`);
  }
  const having = outer.length > 0 ? sql`where ${sql.join(outer, sql` and `)}` : sql``;
  const { rows } = await sql<LevelRow>`
    select * from (
      select ${levelColumns(offsetMs)}
      where ${sql.join(conditions, sql` and `)}
    ) level ${having}
    order by sku, location_id limit ${filter.limit + 1}`.execute(db);
  const page = pageOf(rows, filter.limit, (row) => ({ sku: row.sku, storeId: row.location_id }));
  return { ...page, items: page.items.map(toView) };
}

/**
 * How many levels are oversold, over all merchants. Reads every level (0.1 s for a million): the
 * columns that change have no index. Holds are asked for only where they matter.
 */
export async function countOversold(db: Db, offsetMs: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from stock_level s
    where s.on_hand::bigint - s.reserved - s.allocated - s.open_orders - s.pending_sales
        - s.unavailable - s.safety_stock < 0
      and s.on_hand::bigint - s.reserved - s.allocated - s.open_orders - s.pending_sales
        - s.unavailable - s.safety_stock
        + expired_holds(s.merchant_id, s.sku, s.location_id,
            clock_timestamp() + ${offsetMs} * interval '1 millisecond') < 0`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Every level of a SKU, by store. */
export async function listLevelsOfSku(
  db: Db,
  merchantId: string,
  sku: string,
  offsetMs: number,
): Promise<readonly LevelView[]> {
  const { rows } = await sql<LevelRow>`
    select ${levelColumns(offsetMs)}
    where s.merchant_id = ${merchantId} and s.sku = ${sku}
    order by s.location_id`.execute(db);
  return rows.map(toView);
}

/** The levels at these places, as far as there are any. */
export async function listLevelsAt(
  db: Db,
  merchantId: string,
  places: readonly { readonly sku: string; readonly storeId: string }[],
  offsetMs: number,
): Promise<readonly LevelView[]> {
  if (places.length === 0) return [];
  const { rows } = await sql<LevelRow>`
    select l.*
    from unnest(${places.map(({ sku }) => sku)}::text[],
                ${places.map(({ storeId }) => storeId)}::text[]) as u(sku, location_id)
    cross join lateral (
      select ${levelColumns(offsetMs)}
      where s.merchant_id = ${merchantId} and s.sku = u.sku and s.location_id = u.location_id
      offset 0) l`.execute(db);
  return rows.map(toView);
}
