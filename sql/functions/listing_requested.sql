-- Queues the listings that somebody asked to be looked at by now, at most p_limit. Only the
-- channel's leader calls it. What waits for an approval goes on waiting, and what has a job keeps
-- it.
create or replace function listing_requested(
  p_merchant text, p_channel text, p_working uuid[], p_batch integer, p_limit integer,
  p_offset_ms double precision)
returns table (job_id uuid, sku text, location_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_queue text;
  v_sku text[];
  v_location text[];
begin
  select c.queue into v_queue from channel c
  where c.merchant_id = p_merchant and c.channel_id = p_channel;

  select array_agg(t.sku order by t.sku, t.location_id),
    array_agg(t.location_id order by t.sku, t.location_id)
  into v_sku, v_location
  from (
    select r.sku, r.location_id from listing_request r
    where r.merchant_id = p_merchant and r.channel_id = p_channel
      and r.due_at <= clock_timestamp() + p_offset_ms * interval '1 millisecond'
    order by r.sku, r.location_id limit p_limit) t;
  if v_sku is null then return; end if;

  -- The listings before their requests, as whoever asks locks them.
  perform listing_lock(p_merchant, p_channel, v_sku, v_location);
  delete from listing_request r
  using unnest(v_sku, v_location) as u(sku, location_id)
  where r.merchant_id = p_merchant and r.channel_id = p_channel and r.sku = u.sku
    and r.location_id = u.location_id;

  return query
  with asked as materialized (
    select u.sku, u.location_id, (u.position - 1) / p_batch as chunk
    from unnest(v_sku, v_location) with ordinality as u(sku, location_id, position)
  ), job as materialized (
    select a.chunk, gen_random_uuid() as job_id from (select distinct chunk from asked) a
  )
  update listing l
  set state = 'queued', job_id = j.job_id
  from asked a join job j on j.chunk = a.chunk
  where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = a.sku
    and l.location_id = a.location_id and l.state <> 'held'
    and not (l.state = 'queued' and listing_has_job(v_queue, l.job_id, p_working))
  returning l.job_id, l.sku, l.location_id;
end
$$;
