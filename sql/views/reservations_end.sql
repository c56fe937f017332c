-- Invariant 9: what a level holds is what its active reservations hold, and each line knows until
-- when. A hold that has ended and was not swept yet is still in both, and free for every reader.

create or replace view audit.reserved_differs as
select merchant_id, sku, location_id, coalesce(s.reserved, 0) as reserved,
  coalesce(l.held, 0) as held
from stock_level s
full join (
  select merchant_id, sku, location_id, sum(quantity) as held
  from reservation_line where held_until is not null
  group by merchant_id, sku, location_id
) l using (merchant_id, sku, location_id)
where coalesce(s.reserved, 0) <> coalesce(l.held, 0);

comment on view audit.reserved_differs is
  'violation: a level''s reserved units are not those of its active reservations: stock is held '
  'for nobody, or sold although it is held.';

create or replace view audit.hold_differs as
select merchant_id, reservation_id, l.sku, l.location_id, r.status, r.expires_at, l.held_until
from reservation_line l
join reservation r using (merchant_id, reservation_id)
where l.held_until is distinct from case when r.status = 'active' then r.expires_at end;

comment on view audit.hold_differs is
  'violation: a line holds stock until another time than its reservation says, or although the '
  'reservation is over: the hold would end too early, too late or never.';

create or replace view audit.reservation_without_lines as
select r.merchant_id, r.reservation_id, r.order_id, r.status
from reservation r
where not exists (
  select from reservation_line l
  where l.merchant_id = r.merchant_id and l.reservation_id = r.reservation_id);

comment on view audit.reservation_without_lines is
  'violation: a reservation of nothing: its lines were lost, and what it took cannot be returned.';

create or replace view audit.hold_not_swept as
select merchant_id, reservation_id, order_id, expires_at
from reservation
where status = 'active' and expires_at < clock_timestamp() - interval '5 minutes';

comment on view audit.hold_not_swept is
  'information: a hold ended more than five minutes ago and no sweep has written it down. Its '
  'stock is free all the same, but channels do not know: is a worker running?';
