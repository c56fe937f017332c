-- What the holds of a level are at a moment: units whose hold has ended although the sweep has not
-- yet written it down, and when the first of the others ends. Asked for only where the level says
-- that one may have ended (stock_level.first_hold_ends_at).
create or replace function holds_at(
  p_merchant_id text, p_sku text, p_location_id text, p_at timestamptz)
returns table (ended integer, next_ends timestamptz) language sql stable as $$
  select (
    select coalesce(sum(quantity), 0)::integer from reservation_line
    where merchant_id = p_merchant_id and sku = p_sku and location_id = p_location_id
      and held_until <= p_at), (
    select held_until from reservation_line
    where merchant_id = p_merchant_id and sku = p_sku and location_id = p_location_id
      and held_until > p_at
    order by held_until limit 1)
$$;

-- Asked by processes from before 0024 only, which go on reading while they are replaced.
create or replace function first_hold(
  p_merchant_id text, p_sku text, p_location_id text, p_reserved integer)
returns table (ends timestamptz) language sql stable as $$
  select held_until from reservation_line
  where p_reserved > 0 and merchant_id = p_merchant_id and sku = p_sku
    and location_id = p_location_id and held_until is not null
  order by held_until limit 1
$$;
