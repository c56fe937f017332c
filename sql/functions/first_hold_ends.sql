-- When the first hold of a level ends or has ended, as far as the sweep has not written it down.
create or replace function first_hold_ends(p_merchant_id text, p_sku text, p_location_id text)
returns timestamptz language sql stable as $$
  select held_until
  from reservation_line
  where merchant_id = p_merchant_id and sku = p_sku and location_id = p_location_id
    and held_until is not null
  order by held_until
  limit 1
$$;
