-- When the first of a level's holds that last beyond a moment ends.
create or replace function next_hold_ends(
  p_merchant_id text, p_sku text, p_location_id text, p_after timestamptz)
returns timestamptz language sql stable as $$
  select held_until
  from reservation_line
  where merchant_id = p_merchant_id and sku = p_sku and location_id = p_location_id
    and held_until > p_after
  order by held_until
  limit 1
$$;
