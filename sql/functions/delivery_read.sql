-- What one unit more of a quantity does to available.
create or replace function quantity_effect(p_quantity stock_quantity)
returns integer language sql immutable as $$
  select case p_quantity when 'on_hand' then 1 when 'incoming' then 0 else -1 end
$$;

-- Everything a worker needs to know about the listings of its jobs, in one round trip: what the
-- channel was told, the newest level, and what the channel itself has done to it since. Listings
-- that no longer belong to the job are left out. `available` is the ledger's: ended holds that were
-- not yet swept come on top.
--
-- The first row has the moment of the read and no listing. In the others null stands for none, zero
-- and false where that is what nearly all listings have: thousands of rows are sent.
--
-- In PL/pgSQL, which keeps the plan: making it anew takes longer than reading forty listings does
-- (2.1 of 3.8 ms).
create or replace function delivery_read(
  p_merchant text, p_channel text, p_job uuid[], p_sku text[], p_location text[],
  p_offset_ms double precision)
returns table (
  "position" bigint, read_at timestamptz, channel_updated_at timestamptz,
  external_ids jsonb, published_quantity integer, published_on_hand integer,
  published_version bigint, pending_since timestamptz, force_nonce text,
  told_rules integer, rules_version integer, is_paused boolean, unanswered_quantity integer,
  version bigint, recorded_at timestamptz, on_hand integer, available bigint, ended_holds integer,
  own_versions integer, own_effect bigint, own_without_effect boolean, overwritten_effect bigint,
  has_overwritten boolean)
language plpgsql stable
-- also when the plan is made while the tables are empty
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := clock_timestamp() + p_offset_ms * interval '1 millisecond';
begin
  return query
  select 0::bigint, v_now, h.updated_at, null::jsonb, null::integer, null::integer, null::bigint,
    null::timestamptz, null::text, null::integer, null::integer, null::boolean, null::integer,
    null::bigint, null::timestamptz, null::integer, null::bigint, null::integer, null::integer,
    null::bigint, null::boolean, null::bigint, null::boolean
  from channel h where h.merchant_id = p_merchant and h.channel_id = p_channel;

  return query
  select u.position, null::timestamptz, null::timestamptz, l.external_ids, l.published_quantity,
    l.published_on_hand, l.published_version, l.pending_since, l.force_nonce,
    l.told_rules, l.rules_version, case when l.paused_at is not null then true end,
    l.unanswered_quantity, s.version, s.updated_at, s.on_hand,
    s.on_hand::bigint - s.reserved - s.allocated - s.open_orders - s.pending_sales
      - s.unavailable - s.safety_stock,
    -- a hold that has ended is free, whether the sweep has passed or not
    case when s.first_hold_ends_at <= v_now then (
      select h.ended from holds_at(p_merchant, u.sku, u.location_id, v_now) h) end,
    o.versions, o.effect, o.without_effect, o.overwritten, o.has_overwritten
  from unnest(p_job, p_sku, p_location)
       with ordinality as u(job_id, sku, location_id, position)
  cross join lateral (
    select * from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id and l.job_id = u.job_id and l.state = 'queued'
    offset 0) l
  left join lateral (
    select * from stock_level s
    where s.merchant_id = p_merchant and s.sku = u.sku and s.location_id = u.location_id
    offset 0) s on true
  left join lateral (
    select nullif(count(*) filter (where v.is_later), 0)::integer as versions,
      (sum(v.effect) filter (where v.is_later))::bigint as effect,
      bool_or(v.effect = 0) as without_effect,
      (sum(v.effect) filter (where not v.is_later))::bigint as overwritten,
      bool_or(not v.is_later) as has_overwritten
    from (
      -- what it did before it was last told is not in its figure any more
      select sum(quantity_effect(e.quantity) * e.delta) as effect,
        bool_and(l.told_at is null or e.occurred_at > l.told_at) as is_later
      from (
        select at from entries_since(p_merchant, u.sku, u.location_id, l.published_version)
        offset 0) since
      cross join lateral (
        select * from ledger_entry e
        where e.merchant_id = p_merchant and e.sku = u.sku and e.location_id = u.location_id
          and e.version > l.published_version and e.recorded_at >= since.at
          and e.source_channel = p_channel
        offset 0) e
      -- mostly no channel did anything meanwhile, and the ledger need not be looked into; nor
      -- without a figure of its own, with which there is nothing to compare
      where s.channel_version > l.published_version and l.published_quantity is not null
      group by e.version) v) o on true
  order by u.position;
end
$$;
