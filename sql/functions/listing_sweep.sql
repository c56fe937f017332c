-- Looks at one page of a merchant's levels for one channel and queues what should be queued:
-- levels the channel has not been told of, listings that lag or are to be told again although
-- nobody works on them, and with p_nonce all of them (republish). Only the channel's leader calls
-- it.
--
-- Returns a row for each listing that needs a job. A last row without job_id names the page's end;
-- without it the page was the last.
--
-- p_working: jobs whose call is in flight here, whatever became of their rows in the job table.
-- p_grace_ms: a level that changed just now is the relay's business.
-- p_rules: also listings whose figure was made by other rules than those in force.
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
      and (s.sku, s.location_id) > (coalesce(p_after_sku, ''), coalesce(p_after_location, ''))
    order by s.sku, s.location_id limit p_limit
  ), page_end as materialized (
    select q.sku, q.location_id from page q order by q.sku desc, q.location_id desc limit 1
  ), theirs as materialized (
    -- from one end of the page to the other: looked up one by one they take eight times as long
    select l.sku, l.location_id, l.state, l.job_id, l.dead_delivery, l.told_rules,
      l.rules_version, l.published_version, l.wanted_version, l.force_nonce
    from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel
      and (l.sku, l.location_id) > (coalesce(p_after_sku, ''), coalesce(p_after_location, ''))
      and (l.sku, l.location_id)
        <= ((select e.sku from page_end e), (select e.location_id from page_end e))
  ), known as materialized (
    select * from (
      select p.sku, p.location_id, p.version, p.updated_at, l.sku is not null as is_listed,
        l.state, l.job_id, l.dead_delivery, l.told_rules, l.rules_version, l.published_version,
        l.wanted_version, l.force_nonce
      -- full, which is never done row by row, whatever the planner expects
      from page p full join theirs l on l.sku = p.sku and l.location_id = p.location_id
      offset 0) k
    where k.version is not null
      and (v_channel.select_skus is null or k.sku = any (v_channel.select_skus))
      and (v_channel.select_stores is null or k.location_id = any (v_channel.select_stores))
      and (v_channel.selects_all or k.is_listed)
      and (v_channel.mode = 'latest' or k.is_listed or k.updated_at >= v_channel.created_at)
      and k.state is distinct from 'held'
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
        -- it is to be told again, whatever changed: it is known by other ids, say
        when k.force_nonce is not null then true
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
    (select e.sku from page_end e), (select e.location_id from page_end e)
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
              or l.state = 'waiting' or l.force_nonce is not null
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

-- Whether a job is there that will see to its listings.
create or replace function listing_has_job(p_queue text, p_job uuid, p_working uuid[])
returns boolean language plpgsql stable as $$
begin
  -- pg-boss keeps its tables in a schema of its own, which may not be there yet
  return p_job = any (p_working) or exists (
    select from pgboss.job j
    where j.name = p_queue and j.id = p_job and j.state in ('created', 'retry', 'active'));
end
$$;

-- Those of some stores that exist.
create or replace function listing_stores(p_merchant text, p_stores text[])
returns setof text language sql stable as $$
  select l.location_id from location l
  where l.merchant_id = p_merchant and l.location_id = any (p_stores)
$$;
