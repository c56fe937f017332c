-- Notes changed levels for every channel that wants them, and returns the listings for which a job
-- has to be made: those that no outstanding job will look at anyway. A listing has at most one.
--
-- Arrays: each level once, in (merchant, sku, location) order, with its newest version and the time
-- of its oldest change. p_batch: the most listings in a job by kind of channel.
create or replace function listing_mark(
  p_merchant text[], p_sku text[], p_location text[], p_version bigint[],
  p_recorded_at timestamptz[], p_batch jsonb)
returns table (merchant_id text, channel_id text, queue text, job_id uuid, sku text,
               location_id text)
language plpgsql
-- A pass has thousands of levels, and the planner expects a few: joined row by row, 1,500 levels of
-- three channels take seconds instead of milliseconds.
set enable_nestloop = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with wanted as materialized (
    select c.merchant_id, c.channel_id, c.queue, c.mode, c.created_at,
      u.sku, u.location_id, u.version, u.recorded_at,
      coalesce((p_batch ->> c.kind)::integer, 1) as batch,
      row_number() over (partition by c.merchant_id, c.channel_id
                         order by u.sku collate "C", u.location_id collate "C") - 1 as place,
      gen_random_uuid() as own_job
    from unnest(p_merchant, p_sku, p_location, p_version, p_recorded_at)
         as u(merchant_id, sku, location_id, version, recorded_at)
    join channel c on c.merchant_id = u.merchant_id and c.enabled
    where (c.select_skus is null or u.sku = any (c.select_skus))
      and (c.select_stores is null or u.location_id = any (c.select_stores))
      and (c.selects_all or exists (
        select from listing l
        where l.merchant_id = c.merchant_id and l.channel_id = c.channel_id and l.sku = u.sku
          and l.location_id = u.location_id))
  ), target as materialized (
    select w.*,
      -- one for each batch, without a join that the planner could get wrong
      first_value(w.own_job)
        over (partition by w.merchant_id, w.channel_id, w.place / w.batch order by w.place)
        as new_job
    from wanted w
  ), marked as (
    insert into listing as l (merchant_id, channel_id, sku, location_id, published_version,
      wanted_version, pending_since, state, job_id)
    select t.merchant_id, t.channel_id, t.sku, t.location_id,
      case when t.mode = 'every' and not exists (
        select from listing e
        where e.merchant_id = t.merchant_id and e.channel_id = t.channel_id and e.sku = t.sku
          and e.location_id = t.location_id)
      then listing_start(t.merchant_id, t.sku, t.location_id, t.created_at) else 0 end,
      t.version, t.recorded_at, 'queued', t.new_job
    from target t
    -- the order in which locks are taken, here as everywhere
    order by t.merchant_id, t.channel_id, t.sku collate "C", t.location_id collate "C"
    on conflict on constraint listing_pkey do update
      set wanted_version = greatest(l.wanted_version, excluded.wanted_version),
          pending_since = coalesce(l.pending_since, excluded.pending_since),
          job_id = case when l.state in ('queued', 'held') then l.job_id
            else excluded.job_id end,
          -- what waits for an approval goes on waiting
          state = case when l.state = 'held' then l.state else 'queued' end
      -- a version that went out with an older message's job needs no second one, nor does one that
      -- a dead letter stands for
      where l.published_version < excluded.wanted_version
        and (l.state <> 'dead' or l.wanted_version < excluded.wanted_version)
    returning l.sku, l.location_id, l.job_id
  )
  -- those that were given one of the new jobs
  select j.merchant_id, j.channel_id, j.queue, m.job_id, m.sku, m.location_id
  from marked m
  join (select distinct t.merchant_id, t.channel_id, t.queue, t.new_job from target t) j
    on j.new_job = m.job_id
  order by j.merchant_id, j.channel_id, m.sku, m.location_id;
end
$$;

-- Where a channel that gets every ledger entry begins: behind the last entry before it was created.
-- Read backwards from the newest version, so that the length of the history does not matter.
create or replace function listing_start(
  p_merchant text, p_sku text, p_location text, p_created_at timestamptz)
returns bigint language sql stable as $$
  select coalesce((
    select e.version from ledger_entry e
    where e.merchant_id = p_merchant and e.sku = p_sku and e.location_id = p_location
      and e.recorded_at < p_created_at
    order by e.version desc limit 1), 0)
$$;
