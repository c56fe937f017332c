-- The global view: what a merchant has of a SKU is what its stores have of it together.

-- As GET /api/stock/{sku} shows it. Holds are free when they have ended.
create or replace view audit.sku as
select merchant, sku, count(*) as stores, sum(on_hand) as on_hand, sum(reserved) as reserved,
  sum(allocated) as allocated, sum(open_orders) as open_orders,
  sum(pending_sales) as pending_sales, sum(unavailable) as unavailable,
  sum(safety_stock) as safety_stock, sum(incoming) as incoming, sum(available) as available
from audit.stock
group by merchant, sku;

comment on view audit.sku is
  'information: every SKU with what all stores have of it together.';

-- From two sides: the total of the levels, and store by store of the stores that there are. 2 s for
-- a million levels.
create or replace view audit.sku_total_differs as
select merchant_id, sku, q.quantity, q.total, q.stores
from (
  select merchant_id, sku, sum(on_hand) as on_hand, sum(reserved) as reserved,
    sum(allocated) as allocated, sum(open_orders) as open_orders,
    sum(pending_sales) as pending_sales, sum(unavailable) as unavailable,
    sum(safety_stock) as safety_stock, sum(incoming) as incoming, count(*) as levels
  from stock_level group by merchant_id, sku
) t
left join (
  select l.merchant_id, s.sku, sum(s.on_hand) as on_hand, sum(s.reserved) as reserved,
    sum(s.allocated) as allocated, sum(s.open_orders) as open_orders,
    sum(s.pending_sales) as pending_sales, sum(s.unavailable) as unavailable,
    sum(s.safety_stock) as safety_stock, sum(s.incoming) as incoming, count(*) as levels
  from location l
  join stock_level s using (merchant_id, location_id)
  group by l.merchant_id, s.sku
) s using (merchant_id, sku)
cross join lateral (values
  ('on_hand', t.on_hand, coalesce(s.on_hand, 0)),
  ('reserved', t.reserved, coalesce(s.reserved, 0)),
  ('allocated', t.allocated, coalesce(s.allocated, 0)),
  ('open_orders', t.open_orders, coalesce(s.open_orders, 0)),
  ('pending_sales', t.pending_sales, coalesce(s.pending_sales, 0)),
  ('unavailable', t.unavailable, coalesce(s.unavailable, 0)),
  ('safety_stock', t.safety_stock, coalesce(s.safety_stock, 0)),
  ('incoming', t.incoming, coalesce(s.incoming, 0)),
  ('levels', t.levels, coalesce(s.levels, 0))
) as q(quantity, total, stores)
where q.total <> q.stores;

comment on view audit.sku_total_differs is
  'violation: the total of a SKU is not the sum over its stores: a level stands at a store that '
  'the merchant does not have, and nobody sees it.';
