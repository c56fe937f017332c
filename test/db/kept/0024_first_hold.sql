-- What a database has whose newest migration is 0024 and that had applied it before 0025 was
-- there: plans of delivery that were left to the planner.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select oid from pg_proc
    where proname in ('listing_sweep', 'listing_record', 'listing_wait', 'listing_lock',
      'listing_observe', 'listing_requested', 'listing_reassign')
  loop
    execute format('alter function %s reset all', v_function);
  end loop;
end
$$;
alter function delivery_read reset plan_cache_mode;

create or replace function listing_mark(
  p_merchant text[], p_sku text[], p_location text[], p_version bigint[],
  p_recorded_at timestamptz[], p_batch jsonb)
returns table (merchant_id text, channel_id text, queue text, job_id uuid, sku text,
               location_id text)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
  with target as materialized (
    select c.merchant_id, c.channel_id, c.queue, c.mode, c.created_at,
      u.sku, u.location_id, u.version, u.recorded_at,
      (row_number() over (partition by c.merchant_id, c.channel_id
                          order by u.sku, u.location_id) - 1)
        / coalesce((p_batch ->> c.kind)::integer, 1) as chunk
    from unnest(p_merchant, p_sku, p_location, p_version, p_recorded_at)
         as u(merchant_id, sku, location_id, version, recorded_at)
    join channel c on c.merchant_id = u.merchant_id and c.enabled
    where (c.select_skus is null or u.sku = any (c.select_skus))
      and (c.select_stores is null or u.location_id = any (c.select_stores))
      and (c.selects_all or exists (
        select from listing l
        where l.merchant_id = c.merchant_id and l.channel_id = c.channel_id and l.sku = u.sku
          and l.location_id = u.location_id))
  ), job as materialized (
    select t.merchant_id, t.channel_id, t.chunk, gen_random_uuid() as job_id
    from (select distinct merchant_id, channel_id, chunk from target) t
  ), marked as (
    insert into listing as l (merchant_id, channel_id, sku, location_id, published_version,
      wanted_version, pending_since, state, job_id)
    select t.merchant_id, t.channel_id, t.sku, t.location_id,
      case when t.mode = 'every' and not exists (
        select from listing e
        where e.merchant_id = t.merchant_id and e.channel_id = t.channel_id and e.sku = t.sku
          and e.location_id = t.location_id)
      then listing_start(t.merchant_id, t.sku, t.location_id, t.created_at) else 0 end,
      t.version, t.recorded_at, 'queued', j.job_id
    from target t
    join job j on j.merchant_id = t.merchant_id and j.channel_id = t.channel_id
      and j.chunk = t.chunk
    -- the order in which locks are taken, here as everywhere
    order by t.merchant_id, t.channel_id, t.sku, t.location_id
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
    returning l.merchant_id, l.channel_id, l.sku, l.location_id, l.job_id
  )
  select t.merchant_id, t.channel_id, t.queue, m.job_id, t.sku, t.location_id
  from target t
  join job j on j.merchant_id = t.merchant_id and j.channel_id = t.channel_id
    and j.chunk = t.chunk
  join marked m on m.merchant_id = t.merchant_id and m.channel_id = t.channel_id
    and m.sku = t.sku and m.location_id = t.location_id and m.job_id = j.job_id
  order by t.merchant_id, t.channel_id, t.sku, t.location_id;
end
$$;
