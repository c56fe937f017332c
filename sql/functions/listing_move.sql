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
    order by d.delivery_id limit 100) d;
  if v_deliveries is null then return; end if;

  -- The listings before their dead letters, as whoever records a call locks them.
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
      and d.status = 'redriving'
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
