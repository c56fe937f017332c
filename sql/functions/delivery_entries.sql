-- From when on a level has entries of a later version than one: times follow versions, and its
-- snapshots know some of both. Months before that are not looked into. (A day more, because the
-- clocks of two processes may differ by less than a round trip; months are what it is for.) Asked
-- for in a FROM clause it becomes part of the query around it, which is half as dear as a call.
create or replace function entries_since(
  p_merchant text, p_sku text, p_location text, p_version bigint)
returns table (at timestamptz) language sql stable as $$
  select coalesce((
    select s.recorded_at - interval '1 day' from stock_snapshot s
    where s.merchant_id = p_merchant and s.sku = p_sku and s.location_id = p_location
      and s.version <= p_version
    order by s.version desc limit 1), '-infinity')
$$;

-- Ledger entries of listings behind one version up to another, at most p_limit of each listing.
create or replace function delivery_entries(
  p_merchant text, p_sku text[], p_location text[], p_after bigint[], p_to bigint[],
  p_limit integer)
returns table (
  "position" bigint, entry_id bigint, version bigint, quantity text, delta integer, reason text,
  source_channel text, recorded_at timestamptz)
language sql stable as $$
  select u.position, e.entry_id, e.version, e.quantity::text, e.delta, e.reason,
    e.source_channel, e.recorded_at
  from unnest(p_sku, p_location, p_after, p_to)
       with ordinality as u(sku, location_id, after, upto, position)
  cross join lateral (
    select at from entries_since(p_merchant, u.sku, u.location_id, u.after) offset 0) since
  cross join lateral (
    select * from ledger_entry e
    where e.merchant_id = p_merchant and e.sku = u.sku and e.location_id = u.location_id
      and e.version > u.after and e.version <= u.upto and e.recorded_at >= since.at
    order by e.version, e.quantity limit p_limit) e
  order by u.position, e.version, e.quantity
$$;

-- What the entries of a level behind one version up to another do together: taken from the level's
-- figures it gives those of the earlier version.
create or replace function delivery_effect(
  p_merchant text, p_sku text, p_location text, p_after bigint, p_to bigint)
returns table (available bigint, on_hand bigint)
language sql stable as $$
  select coalesce(sum(quantity_effect(e.quantity) * e.delta), 0),
    coalesce(sum(e.delta) filter (where e.quantity = 'on_hand'), 0)
  from ledger_entry e
  where e.merchant_id = p_merchant and e.sku = p_sku and e.location_id = p_location
    and e.version > p_after and e.version <= p_to
$$;
