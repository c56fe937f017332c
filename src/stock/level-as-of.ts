import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { levelArchivedUntil } from './archive/archives.ts';
import { stockNotFound } from './decide.ts';
import { availableOf, quantities, quantityColumn, type LevelKey, type LevelView } from './level.ts';
import type { Quantity } from './level.ts';

/**
 * The level as it stood at a time: its newest version recorded by then. Read from the snapshot
 * before that time and the ledger's entries between it and the next one. Holds are shown as they
 * were written down.
 *
 * Refusals, in this order: LEDGER.ARCHIVED, STOCK.NOT_FOUND (it did not exist yet).
 */
export async function levelAsOf(db: Db, key: LevelKey, at: Date): Promise<Result<LevelView>> {
  const { rows } = await asOfQuery(key, at).execute(db);
  const [row] = rows;
  // Asked afterwards: a month that is archived in between is not taken for nothing.
  const archivedUntil = await levelArchivedUntil(db, key);
  if (archivedUntil !== undefined && at < archivedUntil) {
    const detail =
      'What the level was then is archived; it can be asked for from archivedUntil on.';
    const data = { archivedUntil: archivedUntil.toISOString() };
    return refused(refuse('LEDGER.ARCHIVED', detail, data));
  }
  if (row === undefined) return refused(stockNotFound(key));
  const figures = Object.fromEntries(
    quantities.map((name) => [name, row[quantityColumn[name]] ?? 0]),
  ) as Record<Quantity, number>;
  return ok({
    storeId: key.storeId,
    sku: key.sku,
    ...figures,
    available: availableOf({ ...figures, expiredHolds: 0 }),
    version: row.version,
    updatedAt: row.recorded_at.toISOString(),
  });
}

type Row = { version: number; recorded_at: Date } & Record<string, number>;

/** A quantity's newest balance, else what the snapshot says. */
function balance(column: string) {
  return sql`coalesce(
    (array_agg(e.balance_after order by e.version desc) filter (where e.quantity = ${column})
      )[1], max(b.${sql.ref(column)}), 0) as ${sql.ref(column)}`;
}

/** The query behind `levelAsOf`. Times follow versions: what is newest by one is so by both. */
export function asOfQuery({ merchantId, sku, storeId }: LevelKey, at: Date) {
  return sql<Row>`
    with base as (
      select * from stock_snapshot s
      where s.merchant_id = ${merchantId} and s.sku = ${sku} and s.location_id = ${storeId}
        and s.recorded_at <= ${at}
      order by s.recorded_at desc, s.version desc limit 1
    ), bounds as (
      select coalesce((select version from base), 0) as low,
        -- Months before and after are not looked into. A day more: the clocks of two processes
        -- may differ by less than a round trip.
        coalesce((select recorded_at - interval '1 day' from base), '-infinity') as low_at, (
        select s.version from stock_snapshot s
        where s.merchant_id = ${merchantId} and s.sku = ${sku} and s.location_id = ${storeId}
          and s.version > coalesce((select version from base), 0)
        order by s.version limit 1) as high
    ), entries as (
      select e.* from bounds cross join lateral (
        select * from ledger_entry e
        where e.merchant_id = ${merchantId} and e.sku = ${sku} and e.location_id = ${storeId}
          and e.version > bounds.low
          and e.version <= coalesce(bounds.high, 9223372036854775807)
          and e.recorded_at >= bounds.low_at and e.recorded_at <= ${at}
        offset 0) e
    )
    select ${sql.join(Object.values(quantityColumn).map(balance))},
      coalesce(max(e.version), max(b.version)) as version,
      coalesce(max(e.recorded_at), max(b.recorded_at)) as recorded_at
    from (select) one
    left join base b on true
    left join entries e on true
    having coalesce(max(e.version), max(b.version)) is not null`;
}
