-- Writes down what came of jobs, for the listings that still belong to them: published, or dead.
-- Never lowers a published version. A listing that is due again (a newer version, a republish, or
-- p_more: not everything was sent) goes to the job p_next.
--
-- Returns 'more' with each listing of a p_next that has to be made, and 'superseded' with the jobs
-- of dead letters that do not matter any more.
create or replace function listing_record(
  p_merchant text, p_channel text, p_read_at timestamptz, p_job uuid[], p_sku text[],
  p_location text[], p_version bigint[], p_quantity integer[], p_on_hand integer[],
  p_nonce text[], p_more boolean[], p_dead text[], p_next uuid[])
returns table (kind text, job_id uuid, sku text, location_id text)
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
    select u.*, l.row_id, l.dead_delivery,
      u.dead is null and (l.wanted_version > u.version or u.more
        or l.force_nonce is distinct from u.nonce) as due_again
    from unnest(p_job, p_sku, p_location, p_version, p_quantity, p_on_hand, p_nonce, p_more,
                p_dead, p_next)
         as u(job_id, sku, location_id, version, quantity, on_hand, nonce, more, dead, next)
    cross join lateral (
      select l.ctid as row_id, l.wanted_version, l.force_nonce, l.dead_delivery from listing l
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
    returning l.sku, l.location_id, i.next, i.due_again, i.dead_delivery as left_delivery
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
  select 'more', r.next, r.sku, r.location_id from recorded r where r.due_again
  union all
  select 'superseded', s.job_id, null, null from superseded s where s.status = 'superseded';
end
$$;
