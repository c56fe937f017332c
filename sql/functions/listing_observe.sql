-- Locks listings in order, for a transaction that then writes them in several statements.
create or replace function listing_lock(
  p_merchant text, p_channel text, p_sku text[], p_location text[])
returns void language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
begin
  perform from unnest(p_sku, p_location) as u(sku, location_id)
  cross join lateral (
    select from listing l
    where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
      and l.location_id = u.location_id
    for update) l;
end
$$;

-- What a channel showed instead of the figure it was expected to show becomes what it was told
-- last. The listing goes to the job p_next, or with p_hold waits. Those that no longer belong to
-- the job are left alone.
--
-- Returns each listing that was written, with the drift it had before.
create or replace function listing_observe(
  p_merchant text, p_channel text, p_job uuid[], p_sku text[], p_location text[],
  p_observed integer[], p_told_at timestamptz[], p_drift text[], p_next uuid[], p_hold boolean[])
returns table ("position" bigint, drift_before text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  with input as materialized (
    select u.*, l.row_id, l.drift_id
    from unnest(p_job, p_sku, p_location, p_observed, p_told_at, p_drift, p_next, p_hold)
         with ordinality
         as u(job_id, sku, location_id, observed, told_at, drift, next, hold, position)
    cross join lateral (
      select l.ctid as row_id, l.drift_id from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
        and l.location_id = u.location_id and l.job_id = u.job_id offset 0) l
  )
  update listing l
  set published_quantity = i.observed, unanswered_quantity = null,
      -- its own changes up to then are in the figure and must not be counted again
      told_at = coalesce(i.told_at, l.told_at),
      drift_id = coalesce(i.drift, l.drift_id),
      state = case when i.hold then 'held' else 'queued' end,
      job_id = case when i.hold then null else i.next end
  from input i
  where l.ctid = i.row_id
  returning i.position, case when i.drift is not null then i.drift_id end;
end
$$;
