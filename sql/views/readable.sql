-- What people read: the ledger, the levels and their totals in plain words. No row is a fault.

create or replace view audit.ledger as
select merchant_id as merchant, sku, location_id as store, version, quantity::text as quantity,
  delta, balance_after as balance, reason as why, reference, actor as who,
  source_channel as channel, occurred_at as happened_at, recorded_at, command_id as command
from ledger_entry;

comment on view audit.ledger is
  'information: every change of stock: what changed by how much, what it left, who did it and why. '
  'Ask for one SKU (merchant and sku) or order by recorded_at.';

-- A hold that has ended is free, whether the sweep has written it down or not. The function is
-- called for levels with holds only. 0.5 s for a million levels without.
create or replace view audit.stock as
select s.merchant_id as merchant, s.sku, s.location_id as store, s.on_hand,
  s.reserved - h.ended as reserved, s.allocated, s.open_orders, s.pending_sales, s.unavailable,
  s.safety_stock, s.incoming,
  s.on_hand::bigint - (s.reserved - h.ended) - s.allocated - s.open_orders - s.pending_sales
    - s.unavailable - s.safety_stock as available,
  s.version, s.updated_at
from stock_level s
cross join lateral (
  select case when s.reserved > 0
    then expired_holds(s.merchant_id, s.sku, s.location_id, clock_timestamp())
    else 0 end as ended) h;

comment on view audit.stock is
  'information: every stock level with what is available now.';

create or replace view audit.oversold as
select * from audit.stock where available < 0;

comment on view audit.oversold is
  'information: levels that a fact (a count, a source''s report) left with less than nothing '
  'available. Not a fault of the service: channels are told 0 until stock comes.';

-- 4 s for 10 million entries and a million levels (2 cores, work_mem 4 MB, as all figures here).
create or replace view audit.totals as
select coalesce(l.merchant, e.merchant) as merchant, coalesce(l.quantity, e.quantity) as quantity,
  coalesce(l.units, 0) as levels, coalesce(e.units, 0) as ledger,
  coalesce(l.units, 0) - coalesce(e.units, 0) as difference
from (
  select s.merchant_id as merchant, q.quantity, sum(q.units) as units
  from stock_level s
  cross join lateral (values
    ('on_hand', s.on_hand), ('reserved', s.reserved), ('allocated', s.allocated),
    ('open_orders', s.open_orders), ('pending_sales', s.pending_sales),
    ('unavailable', s.unavailable), ('safety_stock', s.safety_stock), ('incoming', s.incoming)
  ) as q(quantity, units)
  group by 1, 2
) l
full join (
  select merchant, quantity, sum(units)::bigint as units
  from (
    select merchant_id as merchant, quantity::text as quantity, sum(delta) as units
    from ledger_entry group by 1, 2
    union all
    -- what is archived
    select o.merchant_id, q.quantity::text, sum(opening_units(o, q.quantity))
    from ledger_opening o
    cross join unnest(enum_range(null::stock_quantity)) as q(quantity) group by 1, 2
  ) u
  group by 1, 2
) e on e.merchant = l.merchant and e.quantity = l.quantity;

comment on view audit.totals is
  'information: units of each quantity over all levels of a merchant, beside what the ledger adds '
  'up to. A difference shows in audit.ledger_sum_differs or audit.ledger_without_level.';
