-- What a database has whose newest migration is 0024 and that had applied it before 0025 was
-- there: plans of delivery that were left to the planner, and a job for what is left of each job.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select oid from pg_proc
    where proname in ('listing_sweep', 'listing_wait', 'listing_lock',
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

drop function listing_record;
create or replace function listing_record(
  p_merchant text, p_channel text, p_read_at timestamptz, p_job uuid[], p_sku text[],
  p_location text[], p_version bigint[], p_quantity integer[], p_on_hand integer[],
  p_nonce text[], p_more boolean[], p_dead text[], p_next uuid[], p_rules integer[],
  p_told_at timestamptz[], p_unanswered integer[])
returns table (kind text, job_id uuid, sku text, location_id text, drift_id text)
language plpgsql as $$
#variable_conflict use_column
begin
  perform from unnest(p_sku, p_location) as u(sku, location_id)
  cross join lateral (
    select from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    for update) l;

  return query
  with input as materialized (
    select u.*, l.row_id, l.dead_delivery, l.drift_id,
      u.dead is null and (l.wanted_version > u.version or u.more
        or l.force_nonce is distinct from u.nonce
        or (u.rules >= 0 and u.rules <> c.rules_version + l.rules_version)) as due_again
    from unnest(p_job, p_sku, p_location, p_version, p_quantity, p_on_hand, p_nonce, p_more,
                p_dead, p_next, p_rules, p_told_at, p_unanswered)
         as u(job_id, sku, location_id, version, quantity, on_hand, nonce, more, dead, next,
              rules, told_at, unanswered)
    cross join lateral (
      select c.rules_version from channel c
      where c.merchant_id = p_merchant and c.channel_id = p_channel offset 0) c
    cross join lateral (
      select l.ctid as row_id, l.wanted_version, l.force_nonce, l.dead_delivery, l.drift_id,
        l.rules_version
      from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
        and l.location_id = u.location_id and l.job_id = u.job_id offset 0) l
  ), recorded as (
    update listing l
    set published_version = case when i.dead is null
          then greatest(l.published_version, i.version) else l.published_version end,
        published_quantity = case when i.dead is null and i.version >= l.published_version
          then i.quantity else l.published_quantity end,
        published_on_hand = case when i.dead is null and i.version >= l.published_version
          then i.on_hand else l.published_on_hand end,
        published_at = case when i.dead is null
            and (i.version > l.published_version or i.nonce is not null)
          then clock_timestamp() else l.published_at end,
        told_rules = case when i.dead is null then i.rules else l.told_rules end,
        told_at = case when i.dead is null then coalesce(i.told_at, l.told_at)
          else l.told_at end,
        unanswered_quantity = case when i.dead is not null then i.unanswered
          when i.told_at is null then l.unanswered_quantity end,
        drift_id = case when i.dead is null and not i.more then null else l.drift_id end,
        force_nonce = case when i.dead is null and not i.more
            and l.force_nonce is not distinct from i.nonce
          then null else l.force_nonce end,
        state = case when i.dead is not null then 'dead' when i.due_again then 'queued'
          else 'idle' end,
        job_id = case when i.due_again then i.next end,
        -- changes behind the version that was sent were committed after it was read
        pending_since = case when i.dead is not null then l.pending_since
          when i.due_again then p_read_at end,
        dead_delivery = i.dead
    from input i
    where l.ctid = i.row_id
    returning l.sku, l.location_id, i.next, i.due_again, i.dead_delivery as left_delivery,
      case when l.drift_id is null then i.drift_id end as settled_drift
  ), superseded as (
    update delivery d
    set open_listings = greatest(d.open_listings - n.left, 0),
        status = case when d.open_listings <= n.left and d.status = 'dead'
          then 'superseded' else d.status end,
        updated_at = clock_timestamp()
    from (select r.left_delivery, count(*)::integer as left from recorded r
          where r.left_delivery is not null group by r.left_delivery) n
    where d.merchant_id = p_merchant and d.delivery_id = n.left_delivery
    returning d.job_id, d.status
  )
  select 'more', r.next, r.sku, r.location_id, null from recorded r where r.due_again
  union all
  select 'superseded', s.job_id, null, null, null from superseded s
  where s.status = 'superseded'
  union all
  select 'drift', null, null, null, r.settled_drift from recorded r
  where r.settled_drift is not null;
end
$$;
