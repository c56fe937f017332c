-- Lets listings of jobs wait until a time without a job: a change, or somebody's request, ends the
-- wait. One that changed since its figures were read (p_version, p_nonce, p_rules) goes to the job
-- p_next at once. Those that no longer belong to their job are left alone.
--
-- Returns the listings of each p_next that has to be made. The caller holds the locks.
create or replace function listing_wait(
  p_merchant text, p_channel text, p_job uuid[], p_sku text[], p_location text[],
  p_version bigint[], p_nonce text[], p_rules integer[], p_until timestamptz[], p_next uuid[])
returns table (job_id uuid, sku text, location_id text)
language plpgsql
-- also when the plan is made while the tables are empty
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  with input as materialized (
    select u.*, l.row_id,
      l.wanted_version > u.version or l.force_nonce is distinct from u.nonce
        or (u.rules >= 0 and u.rules <> c.rules_version + l.rules_version) as is_due
    from unnest(p_job, p_sku, p_location, p_version, p_nonce, p_rules, p_until, p_next)
         as u(job_id, sku, location_id, version, nonce, rules, until, next)
    cross join lateral (
      select c.rules_version from channel c
      where c.merchant_id = p_merchant and c.channel_id = p_channel offset 0) c
    cross join lateral (
      select l.ctid as row_id, l.wanted_version, l.force_nonce, l.rules_version from listing l
      where l.merchant_id = p_merchant and l.channel_id = p_channel and l.sku = u.sku
        and l.location_id = u.location_id and l.job_id = u.job_id and l.state = 'queued'
      offset 0) l
  ), written as (
    update listing l
    set state = case when i.is_due then 'queued' else 'waiting' end,
        job_id = case when i.is_due then i.next end
    from input i
    where l.ctid = i.row_id
    returning l.job_id, l.sku, l.location_id, i.is_due, i.until
  ), asked as (
    insert into listing_request as r (merchant_id, channel_id, sku, location_id, due_at)
    select p_merchant, p_channel, w.sku, w.location_id, w.until from written w
    where not w.is_due
    order by w.sku, w.location_id
    on conflict on constraint listing_request_pkey do update
      set due_at = least(r.due_at, excluded.due_at)
  )
  select w.job_id, w.sku, w.location_id from written w where w.is_due;
end
$$;
