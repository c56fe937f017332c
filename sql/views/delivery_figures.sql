-- Invariant 8: what a channel shows is what is available, less what it is not to be shown.

-- A hold that ends after a publication is free although nobody was told yet, so a figure may lie
-- between what was available with and without it. A figure that a wider buffer made (told_rules -1)
-- is sent again when the channel no longer lags, and one that stands by an operator's word
-- (drift_id) with the next change.
create or replace view audit.listing_differs as
select c.merchant_id, c.channel_id, s.sku, s.location_id, l.published_quantity,
  q.least as expected, s.version
from channel c
join listing l on l.merchant_id = c.merchant_id and l.channel_id = c.channel_id
join stock_level s on s.merchant_id = c.merchant_id and s.sku = l.sku
  and s.location_id = l.location_id
cross join lateral (
  select s.on_hand::bigint - s.reserved - s.allocated - s.open_orders - s.pending_sales
    - s.unavailable - s.safety_stock as available,
    case when s.reserved > 0
      then expired_holds(s.merchant_id, s.sku, s.location_id, clock_timestamp())
      else 0 end as ended) a
cross join lateral (
  select shown_quantity(a.available, c.buffer, l.paused_at is not null) as least,
    shown_quantity(a.available + a.ended, c.buffer, l.paused_at is not null) as most) q
where c.mode = 'latest' and l.state = 'idle' and l.published_version = s.version
  and l.published_quantity is not null and l.drift_id is null
  and l.told_rules = c.rules_version + l.rules_version
  and not (l.published_quantity between q.least and q.most);

comment on view audit.listing_differs is
  'violation: a channel was told another figure of a level''s newest version than it is to be '
  'shown. Republish the channel.';
