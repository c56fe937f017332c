-- Invariant 9, for those who read levels: a level says no later than it is when a hold of it ends.

create or replace view audit.first_hold_differs as
select merchant_id, sku, location_id, s.first_hold_ends_at, l.ends
from stock_level s
join (
  select merchant_id, sku, location_id, min(held_until) as ends
  from reservation_line where held_until is not null
  group by merchant_id, sku, location_id
) l using (merchant_id, sku, location_id)
where s.first_hold_ends_at is null or s.first_hold_ends_at > l.ends;

comment on view audit.first_hold_differs is
  'violation: a hold of the level ends before the level says that one may: readers go by that, and '
  'would count the hold''s stock as held when it is free.';
