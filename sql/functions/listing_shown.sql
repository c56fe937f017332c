-- What some listings of a channel ought to show, as far as that can be said of them now: nothing is
-- on its way to the channel, and it was told of the level as it is. Else `expected` is null. A
-- listing whose delivery was given up ought to show what it would be sent.
--
-- `ours`: what it would be sent now. `figure_before`: what it would have been sent of the
-- version before. `mark` moves with anything that is sent, known or changed: two readings with the
-- same mark are of the same state.
create or replace function listing_shown(
  p_merchant text, p_channel text, p_sku text[], p_location text[])
returns table (
  sku text, location_id text, external_ids jsonb, expected bigint, ours bigint, state text,
  told integer, unanswered integer, figure_before bigint, version bigint, told_at timestamptz, drift_id text,
  mark text, read_at timestamptz)
language sql stable as $$
  select u.sku, u.location_id, l.external_ids,
    case
      when l.state = 'dead' then shown_quantity(a.available, c.buffer, l.paused_at is not null)
      when l.state = 'idle' and l.force_nonce is null and l.wanted_version <= l.published_version
        and s.version = l.published_version
        and l.told_rules in (-1, c.rules_version + l.rules_version) then l.published_quantity
    end,
    shown_quantity(a.available, c.buffer, l.paused_at is not null), l.state, l.published_quantity, l.unanswered_quantity,
    shown_quantity(a.available - coalesce(e.effect, 0), c.buffer, l.paused_at is not null),
    s.version, coalesce(l.told_at, l.published_at), l.drift_id,
    concat_ws(' ', l.state, l.published_quantity, l.published_version, l.wanted_version,
      extract(epoch from l.told_at), l.told_rules, l.rules_version, c.rules_version, s.version,
      l.drift_id, l.force_nonce, l.unanswered_quantity, md5(l.external_ids::text)),
    c.now
  from (
    select c.buffer, c.rules_version, clock_timestamp() as now from channel c
    where c.merchant_id = p_merchant and c.channel_id = p_channel offset 0) c
  cross join unnest(p_sku, p_location) with ordinality as u(sku, location_id, position)
  cross join lateral (
    select * from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    offset 0) l
  cross join lateral (
    select * from stock_level s
    where s.merchant_id = p_merchant and s.sku = u.sku and s.location_id = u.location_id
    offset 0) s
  cross join lateral (
    select s.on_hand::bigint - s.reserved - s.allocated - s.open_orders - s.pending_sales
      - s.unavailable - s.safety_stock
      + case when s.first_hold_ends_at <= c.now
          then expired_holds(p_merchant, u.sku, u.location_id, c.now) else 0 end as available) a
  cross join lateral (
    select sum(quantity_effect(e.quantity) * e.delta)::bigint as effect from ledger_entry e
    where e.merchant_id = p_merchant and e.sku = u.sku and e.location_id = u.location_id
      and e.version = s.version) e
  order by u.position
$$;

-- What a channel showed instead of what it ought to becomes what it was told last, so that what is
-- sent next is compared with it. By p_step the listing is queued (`send`), waits for an approval
-- before anything is sent (`hold`), or goes on as it is (`wait`). The caller has locked them.
--
-- Returns the drifts that the listings had before.
create or replace function listing_drift(
  p_merchant text, p_channel text, p_sku text[], p_location text[], p_observed integer[],
  p_seen_at timestamptz[], p_drift text[], p_step text[])
returns table (drift_before text)
language plpgsql as $$
begin
  insert into listing_request (merchant_id, channel_id, sku, location_id)
  select p_merchant, p_channel, u.sku, u.location_id
  from unnest(p_sku, p_location, p_step) as u(sku, location_id, step)
  where u.step = 'send'
  order by u.sku, u.location_id
  on conflict do nothing;

  return query
  with input as materialized (
    select u.*, l.row_id, l.drift_before
    from unnest(p_sku, p_location, p_observed, p_seen_at, p_drift, p_step)
         as u(sku, location_id, observed, seen_at, drift, step)
    cross join lateral (
      select l.ctid as row_id, l.drift_id as drift_before from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
        and l.location_id = u.location_id offset 0) l
  )
  update listing l
  set published_quantity = i.observed, told_at = i.seen_at, unanswered_quantity = null,
      drift_id = i.drift,
      force_nonce = case when i.step = 'wait' then l.force_nonce
        else coalesce(l.force_nonce, 'drift-' || i.drift) end,
      state = case i.step when 'send' then 'queued' when 'hold' then 'held' else l.state end,
      -- the leader makes the job: until then the listing has one that is not there
      job_id = case i.step when 'send' then gen_random_uuid() when 'hold' then null
        else l.job_id end
  from input i
  where l.ctid = i.row_id
  returning i.drift_before;
end
$$;
