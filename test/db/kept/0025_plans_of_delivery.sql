-- What a database has whose newest migration is 0025 and that had applied it before 0026 was
-- there: a sweep that looks up each listing by itself, and a job for what is left of each job.
create or replace function listing_sweep(
  p_merchant text, p_channel text, p_after_sku text, p_after_location text, p_limit integer,
  p_nonce text, p_working uuid[], p_grace_ms integer, p_batch integer, p_rules boolean)
returns table (job_id uuid, sku text, location_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_channel channel;
  v_sku text[];
  v_location text[];
  v_version bigint[];
  v_since timestamptz[];
  v_seen integer;
  v_end_sku text;
  v_end_location text;
begin
  select * into v_channel from channel c
  where c.merchant_id = p_merchant and c.channel_id = p_channel and c.enabled;
  if not found then return; end if;

  with page as materialized (
    select s.sku, s.location_id, s.version, s.updated_at
    from stock_level s
    where s.merchant_id = p_merchant
      and (p_after_sku is null or (s.sku, s.location_id) > (p_after_sku, p_after_location))
    order by s.sku, s.location_id limit p_limit
  ), known as materialized (
    select p.*, l.sku is not null as is_listed, l.state, l.job_id, l.dead_delivery,
      l.told_rules, l.rules_version, l.published_version, l.wanted_version
    from page p
    left join lateral (
      select l.* from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = p.sku
        and l.location_id = p.location_id offset 0) l on true
    where (v_channel.select_skus is null or p.sku = any (v_channel.select_skus))
      and (v_channel.select_stores is null or p.location_id = any (v_channel.select_stores))
      and (v_channel.selects_all or l.sku is not null)
      and (v_channel.mode = 'latest' or l.sku is not null
           or p.updated_at >= v_channel.created_at)
      and l.state is distinct from 'held'
  ), working as materialized (
    -- once for each job, which has many listings
    select j.job_id
    from (select distinct k.job_id from known k where k.state = 'queued' offset 0) j
    where listing_has_job(v_channel.queue, j.job_id, p_working)
  ), due as (
    select k.sku, k.location_id, k.version, k.updated_at from known k
    where case
        when p_nonce is not null or not k.is_listed then true
        when k.state = 'queued' then k.job_id not in (select w.job_id from working w)
        -- its request ends the wait
        when k.state = 'waiting' then not exists (
          select from listing_request r
          where r.merchant_id = p_merchant and r.channel_id = p_channel and r.sku = k.sku
            and r.location_id = k.location_id)
        when k.state = 'dead' then not exists (
          select from delivery d
          where d.merchant_id = p_merchant and d.delivery_id = k.dead_delivery
            and d.status in ('dead', 'redriving'))
        when p_rules and k.published_version > 0
          and k.told_rules <> v_channel.rules_version + k.rules_version then true
        else greatest(k.version, k.wanted_version) > k.published_version
          and k.updated_at < clock_timestamp() - p_grace_ms * interval '1 millisecond'
      end
  )
  select array_agg(d.sku order by d.sku, d.location_id),
    array_agg(d.location_id order by d.sku, d.location_id),
    array_agg(d.version order by d.sku, d.location_id),
    array_agg(d.updated_at order by d.sku, d.location_id),
    (select count(*) from page),
    (select q.sku from page q order by q.sku desc, q.location_id desc limit 1),
    (select q.location_id from page q order by q.sku desc, q.location_id desc limit 1)
  into v_sku, v_location, v_version, v_since, v_seen, v_end_sku, v_end_location
  from due d;

  -- First the locks: the statements after them see the job of whoever held one.
  perform from unnest(v_sku, v_location) as u(sku, location_id)
  cross join lateral (
    select from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    for update) l;

  return query
  with due as materialized (
    select u.sku, u.location_id, u.version, u.since, (u.position - 1) / p_batch as chunk,
      l.row_id, l.state, l.job_id, l.wanted_version, l.published_version
    from unnest(v_sku, v_location, v_version, v_since)
         with ordinality as u(sku, location_id, version, since, position)
    left join lateral (
      select l.ctid as row_id, l.* from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
        and l.location_id = u.location_id offset 0) l on true
  ), job as materialized (
    select d.chunk, gen_random_uuid() as job_id from (select distinct chunk from due) d
  ), created as (
    -- Nobody else's row: a relay that made it meanwhile has made its job as well.
    insert into listing (merchant_id, channel_id, sku, location_id, published_version,
      wanted_version, pending_since, force_nonce, state, job_id)
    select p_merchant, p_channel, d.sku, d.location_id,
      case when v_channel.mode = 'every'
        then listing_start(p_merchant, d.sku, d.location_id, v_channel.created_at) else 0 end,
      -- a new channel has not been waiting since before it was there
      d.version, greatest(d.since, v_channel.created_at), p_nonce, 'queued', j.job_id
    from due d join job j on j.chunk = d.chunk
    where d.row_id is null
    order by d.sku, d.location_id
    on conflict do nothing
    returning sku, location_id, job_id
  ), queued as (
    update listing l
    set state = 'queued',
        -- that the channel is elsewhere now is not forgotten over a republish
        force_nonce = case when l.force_nonce like 'moved-%' then l.force_nonce
          else coalesce(p_nonce, l.force_nonce) end,
        wanted_version = greatest(l.wanted_version, d.version),
        pending_since = case when d.version > l.published_version
          then coalesce(l.pending_since, d.since) else l.pending_since end,
        job_id = case
          when l.state = 'queued' and listing_has_job(v_channel.queue, l.job_id, p_working)
            then l.job_id
          else j.job_id end
    from due d join job j on j.chunk = d.chunk
    where l.ctid = d.row_id
      and (p_nonce is not null
        or (l.state = 'queued' and not listing_has_job(v_channel.queue, l.job_id, p_working))
        or (l.state <> 'queued'
            and (greatest(d.version, l.wanted_version) > l.published_version
              or l.state = 'waiting'
              or (p_rules and l.told_rules <> v_channel.rules_version + l.rules_version))))
      and l.state <> 'held'
    returning l.sku, l.location_id, l.job_id, j.job_id as new_job_id
  )
  select c.job_id, c.sku, c.location_id from created c
  union all
  select q.job_id, q.sku, q.location_id from queued q where q.job_id = q.new_job_id
  order by 2, 3;

  if v_seen = p_limit then
    return query select null::uuid, v_end_sku, v_end_location;
  end if;
end
$$;

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
  with wanted as (
    select c.merchant_id, c.channel_id, c.queue, c.mode, c.created_at,
      u.sku, u.location_id, u.version, u.recorded_at,
      coalesce((p_batch ->> c.kind)::integer, 1) as batch,
      row_number() over (partition by c.merchant_id, c.channel_id
                         order by u.sku, u.location_id) - 1 as place
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
      first_value(case when w.place % w.batch = 0 then gen_random_uuid() end)
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

drop function listing_record;
create or replace function listing_record(
  p_merchant text, p_channel text, p_read_at timestamptz, p_job uuid[], p_sku text[],
  p_location text[], p_version bigint[], p_quantity integer[], p_on_hand integer[],
  p_nonce text[], p_more boolean[], p_dead text[], p_next uuid[], p_rules integer[],
  p_told_at timestamptz[], p_unanswered integer[])
returns table (kind text, job_id uuid, sku text, location_id text, drift_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
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
