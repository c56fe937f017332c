-- Invariants 6 and 7: no channel knows more than the stock, and what one does not know yet is on its
-- way, or a dead letter.

create or replace view audit.listing_ahead as
select l.merchant_id, l.channel_id, l.sku, l.location_id, l.published_version, l.wanted_version,
  coalesce(s.version, 0) as level_version
from listing l
left join stock_level s using (merchant_id, sku, location_id)
where greatest(l.published_version, l.wanted_version) > coalesce(s.version, 0);

comment on view audit.listing_ahead is
  'violation: a listing is at a version that its level has not reached: the level went back, as '
  'after restoring an older backup, and newer changes would not be sent. Republish the channel.';

-- Every message is handed on in the transaction that queues its listings, so at any moment a level
-- that a listing is behind of has a message, a queued listing or a dead one. A channel that is being
-- filled (backfill) has not seen every level yet; one that is disabled notes nothing. 1.1 s for a
-- channel of a million listings.
create or replace view audit.listing_behind as
select c.merchant_id, c.channel_id, s.sku, s.location_id, s.version as level_version,
  l.published_version
from channel c
join stock_level s on s.merchant_id = c.merchant_id
left join listing l on l.merchant_id = c.merchant_id and l.channel_id = c.channel_id
  and l.sku = s.sku and l.location_id = s.location_id
where c.enabled and c.backfill is null
  and (c.select_skus is null or s.sku = any (c.select_skus))
  and (c.select_stores is null or s.location_id = any (c.select_stores))
  and case when l.sku is not null
    then l.state = 'idle' and l.published_version < s.version
    -- a channel of single entries knows a level from its first change on
    else c.selects_all and (c.mode = 'latest' or s.updated_at >= c.created_at) end
  and not exists (
    select from outbox_message o
    where o.merchant_id = s.merchant_id and o.sku = s.sku and o.location_id = s.location_id
      and o.version > coalesce(l.published_version, 0));

comment on view audit.listing_behind is
  'violation: a channel has not been told of a level''s newest version, and nothing is under way '
  'to tell it. The sweep mends it; a row that stays is a change that was dropped.';

create or replace view audit.dead_letter_unseen as
select l.merchant_id, l.channel_id, l.sku, l.location_id, l.dead_delivery, d.status
from listing l
left join delivery d on d.merchant_id = l.merchant_id and d.delivery_id = l.dead_delivery
where l.state = 'dead' and (d.status is null or d.status not in ('dead', 'redriving'));

comment on view audit.dead_letter_unseen is
  'violation: a listing was given up, and no dead letter shows it: it would not be redriven.';
