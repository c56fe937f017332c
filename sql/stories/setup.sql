-- A day at a shop, for the stories to tell of. Runs in an empty database that is migrated; in psql
-- \i it before a story. Times are fixed, so that a story has one ending; the rows are those that the
-- service would have written, which the views of the schema audit confirm.

insert into location (merchant_id, location_id, name) values ('default', 'main', 'Main street');

insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta, balance_after,
  reason, reference, actor, source_channel, command_id, occurred_at, recorded_at)
select 'default', sku, 'main', row_number() over (partition by sku order by at), quantity, delta,
  sum(delta) over (partition by sku, quantity order by at), reason, reference, actor, channel,
  md5(sku || at)::uuid, at, at
from (values
  (timestamptz '2026-11-20 08:00Z', 'lamp', 'on_hand'::stock_quantity, 5,
    'count', 'stocktaking', 'anna', null),
  ('2026-11-20 08:05Z', 'vase', 'on_hand', 20, 'count', 'stocktaking', 'anna', null),
  ('2026-11-20 09:30Z', 'lamp', 'on_hand', -2, 'order.confirmed', 'W-1001', 'api', 'webshop'),
  ('2026-11-20 10:15Z', 'vase', 'unavailable', 3, 'damaged', 'shelf 4 fell', 'ben', null),
  ('2026-11-20 11:50Z', 'lamp', 'on_hand', -1, 'sale', 'till-1/77', 'carla', 'pos'),
  ('2026-11-20 12:10Z', 'lamp', 'on_hand', -1, 'order.confirmed', 'A-501', 'api', 'amazon'),
  ('2026-11-20 12:11Z', 'lamp', 'on_hand', -1, 'order.confirmed', 'W-1002', 'api', 'webshop'),
  ('2026-11-20 12:40Z', 'vase', 'on_hand', -4, 'order.confirmed', 'W-1003', 'api', 'webshop'),
  ('2026-11-20 15:00Z', 'lamp', 'on_hand', 1, 'order.cancelled', 'A-501', 'api', 'amazon'),
  ('2026-11-20 15:20Z', 'lamp', 'on_hand', -1, 'sale', 'till-1/83', 'carla', 'pos')
) as day(at, sku, quantity, delta, reason, reference, actor, channel)
order by at;

insert into stock_level (merchant_id, sku, location_id, on_hand, unavailable, version, updated_at,
  channel_version)
select merchant_id, sku, location_id, sum(delta) filter (where quantity = 'on_hand'),
  coalesce(sum(delta) filter (where quantity = 'unavailable'), 0), max(version), max(recorded_at),
  coalesce(max(version) filter (where source_channel is not null), 0)
from ledger_entry group by merchant_id, sku, location_id;
