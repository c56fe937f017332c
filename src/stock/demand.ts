import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/** What was sold of a level, day by day in UTC, over full days. */
export type DailyDemand = {
  /** Days that count: those of the window since the level's first entry, or its archive's end. */
  readonly days: number;
  /** Units sold on all of them. */
  readonly units: number;
  /** The sum over the days of the square of what was sold on each. */
  readonly squares: number;
};

export type DemandWindow = {
  /** The window ends with the last full day before this moment's. */
  readonly now: Date;
  /** Its length, 2 or more. */
  readonly days: number;
};

/** Reasons of entries that take sold units from what is on hand, whoever wrote them. */
const soldReasons = ['sale', 'order.confirmed', 'reservation.committed', 'channel.order'];

/*
 * A level's entries are read by the primary key from the newest back to the first that was recorded
 * before the window, as many as there are, and its very first one: two index scans a level, in one
 * statement for all of them (test/safety-stock/demand.test.ts looks at the plan). A level whose
 * first entries are archived is no young one: its days count from the one after its last archived
 * entry.
 *
 * A sale is counted once: where on hand falls by an order, a reservation or a change of a channel;
 * where pending sales rise at a till; where open orders rise because a source says so. What
 * a source then takes from on hand is the same sale, posted. Cancelled orders stay demand.
 */
export const demandQuery = (
  merchantId: string,
  places: readonly { readonly sku: string; readonly storeId: string }[],
  { now, days }: DemandWindow,
) => sql<{ days: number; units: number; squares: number }>`
  select w.days, coalesce(d.units, 0)::double precision as units,
    coalesce(d.squares, 0)::double precision as squares
  from unnest(${places.map(({ sku }) => sku)}::text[],
              ${places.map(({ storeId }) => storeId)}::text[])
       with ordinality as u(sku, location_id, position)
  cross join (select date_trunc('day', ${now}::timestamptz, 'UTC') as until) t
  cross join lateral (
    select date_trunc('day', coalesce((
      select o.recorded_at + interval '24 hours' from ledger_opening o
      where o.merchant_id = ${merchantId} and o.sku = u.sku and o.location_id = u.location_id), (
      select e.occurred_at from ledger_entry e
      where e.merchant_id = ${merchantId} and e.sku = u.sku and e.location_id = u.location_id
      order by e.version limit 1), t.until), 'UTC') as day) first
  cross join lateral (
    select greatest(0, least(${days}::integer,
      extract(epoch from t.until - first.day)::bigint / 86400))::integer as days) w
  cross join lateral (
    select t.until - w.days * interval '24 hours' as since) f
  cross join lateral (
    select coalesce((
      select e.version from ledger_entry e
      where e.merchant_id = ${merchantId} and e.sku = u.sku and e.location_id = u.location_id
        and e.recorded_at < f.since
      order by e.version desc limit 1), 0) as version) base
  cross join lateral (
    select sum(sold) as units, sum(sold * sold) as squares from (
      select sum(abs(e.delta::numeric)) as sold from (
        select * from ledger_entry e
        where e.merchant_id = ${merchantId} and e.sku = u.sku and e.location_id = u.location_id
          and e.version > base.version
        order by e.version offset 0) e
      where e.occurred_at >= f.since and e.occurred_at < t.until
        and case e.quantity
          when 'on_hand' then e.delta < 0
            and (e.reason = any (${soldReasons}::text[]) or e.source_channel is not null)
          when 'pending_sales' then e.delta > 0
          when 'open_orders' then e.delta > 0 and e.reason like 'source.%'
          else false end
      group by date_trunc('day', e.occurred_at, 'UTC')) day) d
  order by u.position`;

/** What was sold at each of these places, in their order. */
export async function dailyDemand(
  db: Db,
  merchantId: string,
  places: readonly { readonly sku: string; readonly storeId: string }[],
  window: DemandWindow,
): Promise<readonly DailyDemand[]> {
  if (places.length === 0) return [];
  return (await demandQuery(merchantId, places, window).execute(db)).rows;
}
