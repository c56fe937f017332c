-- What a database has whose newest migration is 0027: what was sold without an order goes to
-- whichever order says so last, and audit takes off all holds that ever ended.
create or replace function stock_commit_reservations(
  p_recorded_at timestamptz, p_reservations reservation_write[],
  p_lines reservation_line_write[])
returns void language plpgsql as $$
declare
  v_moved integer;
  v_new integer;
begin
  -- The statuses can be compared without a lock order of their own: whoever moves a reservation
  -- has locked its levels before.
  with moved as (
    update reservation r
    set order_id = u.order_id, status = u.status, late = u.late, expires_at = u.expires_at,
        updated_at = p_recorded_at
    from unnest(p_reservations) as u
    where r.merchant_id = u.merchant_id and r.reservation_id = u.reservation_id
      and r.status = u.status_read
    returning r.merchant_id, r.reservation_id, r.status, r.expires_at
  ), lines as (
    update reservation_line l
    set held_until = case when moved.status = 'active' then moved.expires_at end
    from moved
    where l.merchant_id = moved.merchant_id and l.reservation_id = moved.reservation_id
    returning 1
  )
  select count(*), (select count(*) from lines) into v_moved from moved;

  with created as (
    insert into reservation
      (merchant_id, reservation_id, order_id, status, late, expires_at, created_at, updated_at)
    select u.merchant_id, u.reservation_id, u.order_id, u.status, u.late, u.expires_at,
      p_recorded_at, p_recorded_at
    from unnest(p_reservations) as u
    where u.status_read is null
    returning merchant_id, reservation_id, status, expires_at
  ), lines as (
    insert into reservation_line
      (merchant_id, reservation_id, sku, location_id, quantity, held_until)
    select u.merchant_id, u.reservation_id, u.sku, u.location_id, u.quantity,
      case when created.status = 'active' then created.expires_at end
    from unnest(p_lines) as u
    join created using (merchant_id, reservation_id)
    returning 1
  )
  select count(*), (select count(*) from lines) into v_new from created;

  if v_moved + v_new <> cardinality(p_reservations) then
    raise exception 'a reservation has moved' using errcode = 'OH001';
  end if;
end
$$;

create or replace view audit.negative_quantity as
select s.merchant_id, s.sku, s.location_id, q.quantity, q.units
from stock_level s
cross join lateral (values
  ('on_hand', s.on_hand), ('reserved', s.reserved), ('allocated', s.allocated),
  ('open_orders', s.open_orders), ('pending_sales', s.pending_sales),
  ('unavailable', s.unavailable), ('safety_stock', s.safety_stock), ('incoming', s.incoming)
) as q(quantity, units)
where q.units < 0
union all
select merchant_id, sku, location_id, quantity::text, balance_after
from ledger_entry where balance_after < 0;

comment on view audit.negative_quantity is
  'violation: a quantity of a level, or a balance in its ledger, is below zero: stock was given '
  'away that was not there.';

-- A hold is a wish and never a fact: right after it was made, something was available. Units of
-- holds that had ended by then were free although still in `reserved`; those that may have been are
-- taken off, so a row is never a false alarm. Other wishes cannot be told from facts afterwards.
--
-- One pass over the ledger in the order of its key: 12 s for 10 million entries. Looking up the
-- newest balances of each entry instead reads a level's whole history for a quantity that it never
-- had (measured: 128 s for 544,000 reservations of 1,743 SKUs).
create or replace view audit.oversold_by_reservation as
select merchant_id, sku, location_id, version, reference, available, ended_holds, recorded_at
from (
  select merchant_id, sku, location_id, e.version, e.quantity, e.delta, e.reference,
    e.recorded_at,
    -- all entries up to this version, those of the same version included, on what is archived
    coalesce(o.on_hand::bigint - o.reserved - o.allocated - o.open_orders - o.pending_sales
        - o.unavailable - o.safety_stock, 0)
      + sum(case e.quantity when 'on_hand' then 1 when 'incoming' then 0 else -1 end
          * e.delta::bigint)
      over (partition by merchant_id, sku, location_id order by e.version) as available
  from ledger_entry e
  left join ledger_opening o using (merchant_id, sku, location_id)
) e
cross join lateral (
  select coalesce(sum(l.quantity), 0)::bigint as ended_holds
  from reservation_line l
  join reservation r using (merchant_id, reservation_id)
  where l.merchant_id = e.merchant_id and l.sku = e.sku
    and l.location_id = e.location_id and r.expires_at <= e.recorded_at
    and (r.status in ('active', 'expired') or r.late)) h
where e.quantity = 'reserved' and e.delta > 0 and e.available < 0
  and e.available + h.ended_holds < 0;

comment on view audit.oversold_by_reservation is
  'violation: a reservation was granted although less than it asked for was available.';

create or replace view audit.ledger_sum_differs as
select s.merchant_id, s.sku, s.location_id, q.quantity, q.level, q.ledger
from stock_level s
left join (
  select merchant_id, sku, location_id,
    sum(delta) filter (where quantity = 'on_hand') as on_hand,
    sum(delta) filter (where quantity = 'reserved') as reserved,
    sum(delta) filter (where quantity = 'allocated') as allocated,
    sum(delta) filter (where quantity = 'open_orders') as open_orders,
    sum(delta) filter (where quantity = 'pending_sales') as pending_sales,
    sum(delta) filter (where quantity = 'unavailable') as unavailable,
    sum(delta) filter (where quantity = 'safety_stock') as safety_stock,
    sum(delta) filter (where quantity = 'incoming') as incoming
  from ledger_entry group by merchant_id, sku, location_id
) e using (merchant_id, sku, location_id)
left join ledger_opening o using (merchant_id, sku, location_id)
cross join lateral (values
  ('on_hand', s.on_hand, coalesce(e.on_hand, 0) + coalesce(o.on_hand, 0)),
  ('reserved', s.reserved, coalesce(e.reserved, 0) + coalesce(o.reserved, 0)),
  ('allocated', s.allocated, coalesce(e.allocated, 0) + coalesce(o.allocated, 0)),
  ('open_orders', s.open_orders, coalesce(e.open_orders, 0) + coalesce(o.open_orders, 0)),
  ('pending_sales', s.pending_sales, coalesce(e.pending_sales, 0) + coalesce(o.pending_sales, 0)),
  ('unavailable', s.unavailable, coalesce(e.unavailable, 0) + coalesce(o.unavailable, 0)),
  ('safety_stock', s.safety_stock, coalesce(e.safety_stock, 0) + coalesce(o.safety_stock, 0)),
  ('incoming', s.incoming, coalesce(e.incoming, 0) + coalesce(o.incoming, 0))
) as q(quantity, level, ledger)
where q.level <> q.ledger;

comment on view audit.ledger_sum_differs is
  'violation: a quantity of a level is not what its ledger adds up to: the level was changed '
  'without an entry, or an entry was changed or lost.';

-- Sorts the ledger: 17 s for 10 million entries.
create or replace view audit.ledger_balance_broken as
select merchant_id, sku, location_id, quantity, version, entry_id, balance_before, delta,
  balance_after
from (
  select merchant_id, sku, location_id, e.quantity, e.version, e.entry_id, e.delta,
    e.balance_after,
    coalesce(lag(e.balance_after) over (
        partition by merchant_id, sku, location_id, e.quantity order by e.version),
      opening_units(o, e.quantity), 0) as balance_before
  from ledger_entry e
  left join ledger_opening o using (merchant_id, sku, location_id)
) e
where balance_after <> balance_before::bigint + delta;

comment on view audit.ledger_balance_broken is
  'violation: an entry does not leave what the one before it left plus its own delta: an entry '
  'between them was changed or lost.';

-- 7 s for 10 million entries.
create or replace view audit.ledger_without_level as
select e.merchant_id, e.sku, e.location_id, count(*) as entries, max(e.version) as newest_version
from ledger_entry e
where not exists (
  select from stock_level s
  where s.merchant_id = e.merchant_id and s.sku = e.sku and s.location_id = e.location_id)
group by e.merchant_id, e.sku, e.location_id;

comment on view audit.ledger_without_level is
  'violation: the ledger tells of a stock level that is not there: its row was deleted.';

-- What a database has whose newest migration is 0027: a sweep passes over listings that are to be
-- told again for other reasons than their figures, what is recorded does not say which listings are
-- dead now, listings are marked in the order of the locale, and dead letters are locked before
-- their listings.
-- Looks at one page of a merchant's levels for one channel and queues what should be queued:
-- levels the channel has not been told of, listings that lag although nobody works on them, and
-- with p_nonce all of them (republish). Only the channel's leader calls it.
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
      l.rules_version, l.published_version, l.wanted_version
    from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel
      and (l.sku, l.location_id) > (coalesce(p_after_sku, ''), coalesce(p_after_location, ''))
      and (l.sku, l.location_id)
        <= ((select e.sku from page_end e), (select e.location_id from page_end e))
  ), known as materialized (
    select * from (
      select p.sku, p.location_id, p.version, p.updated_at, l.sku is not null as is_listed,
        l.state, l.job_id, l.dead_delivery, l.told_rules, l.rules_version, l.published_version,
        l.wanted_version
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
                         order by u.sku, u.location_id) - 1 as place,
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
-- Gives the listings of jobs to other jobs: those of a leader that died in the middle. Whatever the
-- old jobs' calls came to, it is not recorded any more.
create or replace function listing_reassign(
  p_merchant text, p_channel text, p_job uuid[], p_next uuid[], p_sku text[], p_location text[])
returns table (job_id uuid, sku text, location_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  perform from unnest(p_sku, p_location) as u(sku, location_id)
  cross join lateral (
    select from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    for update) l;

  return query
  update listing l set job_id = u.next
  from unnest(p_job, p_next, p_sku, p_location) as u(job_id, next, sku, location_id)
  where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
    and l.location_id = u.location_id and l.job_id = u.job_id and l.state = 'queued'
  returning l.job_id, l.sku, l.location_id;
end
$$;

-- Queues the listings of dead letters again, one job for each dead letter, and says which dead
-- letters there were.
create or replace function listing_redrive(p_merchant text, p_channel text)
returns table (delivery_id text, dead_job_id uuid, job_id uuid, sku text, location_id text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_deliveries text[];
begin
  select array_agg(d.delivery_id) into v_deliveries
  from (
    select d.delivery_id from delivery d
    where d.merchant_id = p_merchant and d.channel_id = p_channel and d.status = 'redriving'
    order by d.delivery_id limit 100 for update skip locked) d;
  if v_deliveries is null then return; end if;

  perform from (
    select from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel
      and l.dead_delivery = any (v_deliveries)
    order by l.sku, l.location_id for update) l;

  return query
  with redriven as (
    update delivery d
    set status = 'redriven', open_listings = 0, updated_at = clock_timestamp()
    where d.merchant_id = p_merchant and d.delivery_id = any (v_deliveries)
    returning d.delivery_id, d.job_id as dead_job_id
  ), job as materialized (
    select r.delivery_id, r.dead_job_id, gen_random_uuid() as job_id from redriven r
  ), moved as (
    update listing l
    set dead_delivery = null,
        state = case when l.state = 'dead' then 'queued' else l.state end,
        job_id = case when l.state = 'dead' then j.job_id else l.job_id end
    from job j
    where l.merchant_id = p_merchant and l.channel_id = p_channel
      and l.dead_delivery = j.delivery_id
    returning l.sku, l.location_id, l.job_id
  )
  select j.delivery_id, j.dead_job_id, m.job_id, m.sku, m.location_id
  from job j left join moved m on m.job_id = j.job_id
  order by j.delivery_id, m.sku, m.location_id;
end
$$;
-- Writes down what came of jobs, for the listings that still belong to them: published, or dead.
-- Never lowers a published version. Listings that are due again (a newer version, a republish, or
-- p_more: not everything was sent) go to the jobs p_next, p_batch to each: a job for what is left
-- of each job would make ever more and smaller ones of a channel that is behind.
--
-- p_rules: by which rules the figure was made; -1: by a wider buffer for the time being.
-- p_told_at: when the channel was told, null where it was not. p_unanswered: of a dead letter, the
-- figure that the channel may have taken all the same.
--
-- Returns 'more' with each listing of a p_next that has to be made, 'superseded' with the jobs of
-- dead letters that do not matter any more, and 'drift' with drifts that are settled now.
create or replace function listing_record(
  p_merchant text, p_channel text, p_read_at timestamptz, p_job uuid[], p_sku text[],
  p_location text[], p_version bigint[], p_quantity integer[], p_on_hand integer[],
  p_nonce text[], p_more boolean[], p_dead text[], p_next uuid[], p_rules integer[],
  p_told_at timestamptz[], p_unanswered integer[], p_batch integer default 1)
returns table (kind text, job_id uuid, sku text, location_id text, drift_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_rows tid[];
begin
  -- Rows stay where they are while they are locked: nothing after this looks them up by their key.
  select array_agg(l.row_id order by u.position) into v_rows
  from unnest(p_sku, p_location) with ordinality as u(sku, location_id, position)
  left join lateral (
    select l.ctid as row_id from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    for update) l on true;

  return query
  with known as materialized (
    select u.*, l.dead_delivery, l.drift_id,
      u.dead is null and (l.wanted_version > u.version or u.more
        or l.force_nonce is distinct from u.nonce
        or (u.rules >= 0 and u.rules <> c.rules_version + l.rules_version)) as due_again
    from unnest(p_job, p_sku, p_location, p_version, p_quantity, p_on_hand, p_nonce, p_more,
                p_dead, p_rules, p_told_at, p_unanswered, v_rows)
         as u(job_id, sku, location_id, version, quantity, on_hand, nonce, more, dead, rules,
              told_at, unanswered, row_id)
    cross join lateral (
      select c.rules_version from channel c
      where c.merchant_id = p_merchant and c.channel_id = p_channel offset 0) c
    cross join lateral (
      select l.wanted_version, l.force_nonce, l.dead_delivery, l.drift_id, l.rules_version
      from listing l
      where l.ctid = u.row_id and l.job_id = u.job_id offset 0) l
  ), input as materialized (
    select k.*, case when k.due_again then
        p_next[(row_number() over (partition by k.due_again order by k.sku, k.location_id) - 1)
               / p_batch + 1] end as next
    from known k
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
        job_id = i.next,
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
