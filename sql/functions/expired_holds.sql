-- Units of a level whose hold has ended although the sweep has not yet written it down.
-- They count as free: every reader of a level subtracts them from `reserved`.
create or replace function expired_holds(
  p_merchant_id text, p_sku text, p_location_id text, p_at timestamptz)
returns integer language sql stable as $$
  select coalesce(sum(quantity), 0)::integer
  from reservation_line
  where merchant_id = p_merchant_id and sku = p_sku and location_id = p_location_id
    and held_until <= p_at
$$;
