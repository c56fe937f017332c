-- What channels' orders were applied to stock is what the ledger says of them.

-- Reads the ledger once, for the entries of channels' orders.
create or replace view audit.inbound_order_differs as
with applied as (
  select merchant_id, channel_id, order_id, sku, location_id, sum(sold) as sold, sum(held) as held
  from inbound_line where sku is not null
  group by merchant_id, channel_id, order_id, sku, location_id
), told as (
  select merchant_id, channel_id, order_id, sku, location_id, sum(sold)::bigint as sold,
    sum(held)::bigint as held
  from (
    select merchant_id, source_channel as channel_id, reference as order_id, sku, location_id,
      case when quantity = 'on_hand' then -delta::bigint else 0 end as sold,
      case when quantity = 'open_orders' then delta::bigint else 0 end as held
    from ledger_entry where reason = 'channel.order'
    union all
    -- what is archived
    select merchant_id, channel_id, order_id, sku, location_id, sold, held
    from ledger_opening_order
  ) e
  group by merchant_id, channel_id, order_id, sku, location_id
)
select merchant_id, channel_id, order_id, sku, location_id,
  coalesce(a.sold, 0) as applied_sold, coalesce(t.sold, 0) as ledger_sold,
  coalesce(a.held, 0) as applied_held, coalesce(t.held, 0) as ledger_held
from applied a
full join told t using (merchant_id, channel_id, order_id, sku, location_id)
-- Open orders may be counted down by somebody who owns them; what was taken from on hand may not.
where coalesce(a.sold, 0) <> coalesce(t.sold, 0);

comment on view audit.inbound_order_differs is
  'violation: what an order of a channel is said to have taken is not what the ledger''s entries '
  'of that order add up to: it was counted twice, or not at all.';
