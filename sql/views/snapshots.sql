-- Snapshots shorten questions about the past: what they say must be what the ledger says.

-- One pass over the ledger, from snapshot to snapshot; the first is where the archive ends.
create or replace view audit.snapshot_differs as
select s.merchant_id, s.sku, s.location_id, s.version, q.quantity, q.snapshot, q.ledger
from (
  select t.*,
    coalesce(lag(t.version) over level, o.version, 0) as before_version,
    coalesce(lag(t.on_hand) over level, o.on_hand, 0) as before_on_hand,
    coalesce(lag(t.reserved) over level, o.reserved, 0) as before_reserved,
    coalesce(lag(t.allocated) over level, o.allocated, 0) as before_allocated,
    coalesce(lag(t.open_orders) over level, o.open_orders, 0) as before_open_orders,
    coalesce(lag(t.pending_sales) over level, o.pending_sales, 0) as before_pending_sales,
    coalesce(lag(t.unavailable) over level, o.unavailable, 0) as before_unavailable,
    coalesce(lag(t.safety_stock) over level, o.safety_stock, 0) as before_safety_stock,
    coalesce(lag(t.incoming) over level, o.incoming, 0) as before_incoming
  from stock_snapshot t
  left join ledger_opening o on o.merchant_id = t.merchant_id and o.sku = t.sku
    and o.location_id = t.location_id
  where o.version is null or t.version >= o.version
  window level as (partition by t.merchant_id, t.sku, t.location_id order by t.version)
) s
cross join lateral (
  select
    coalesce(sum(e.delta) filter (where e.quantity = 'on_hand'), 0) as on_hand,
    coalesce(sum(e.delta) filter (where e.quantity = 'reserved'), 0) as reserved,
    coalesce(sum(e.delta) filter (where e.quantity = 'allocated'), 0) as allocated,
    coalesce(sum(e.delta) filter (where e.quantity = 'open_orders'), 0) as open_orders,
    coalesce(sum(e.delta) filter (where e.quantity = 'pending_sales'), 0) as pending_sales,
    coalesce(sum(e.delta) filter (where e.quantity = 'unavailable'), 0) as unavailable,
    coalesce(sum(e.delta) filter (where e.quantity = 'safety_stock'), 0) as safety_stock,
    coalesce(sum(e.delta) filter (where e.quantity = 'incoming'), 0) as incoming
  from ledger_entry e
  where e.merchant_id = s.merchant_id and e.sku = s.sku and e.location_id = s.location_id
    and e.version > s.before_version and e.version <= s.version) e
cross join lateral (values
  ('on_hand', s.on_hand, s.before_on_hand + e.on_hand),
  ('reserved', s.reserved, s.before_reserved + e.reserved),
  ('allocated', s.allocated, s.before_allocated + e.allocated),
  ('open_orders', s.open_orders, s.before_open_orders + e.open_orders),
  ('pending_sales', s.pending_sales, s.before_pending_sales + e.pending_sales),
  ('unavailable', s.unavailable, s.before_unavailable + e.unavailable),
  ('safety_stock', s.safety_stock, s.before_safety_stock + e.safety_stock),
  ('incoming', s.incoming, s.before_incoming + e.incoming)
) as q(quantity, snapshot, ledger)
where q.snapshot <> q.ledger;

comment on view audit.snapshot_differs is
  'violation: a snapshot of a level is not the one before it plus the ledger''s entries between '
  'them: questions about the past are answered wrongly.';
