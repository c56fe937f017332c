-- Writes down what came of jobs, for the listings that still belong to them: published, or dead.
-- Never lowers a published version. Listings that are due again (a newer version, a republish, or
-- p_more: not everything was sent) go to the jobs p_next, p_batch to each: a job for what is left
-- of each job would make ever more and smaller ones of a channel that is behind.
--
-- p_rules: by which rules the figure was made; -1: by a wider buffer for the time being.
-- p_told_at: when the channel was told, null where it was not. p_unanswered: of a dead letter, the
-- figure that the channel may have taken all the same.
--
-- Returns 'more' with each listing of a p_next that has to be made, 'dead' with each that is dead
-- now and the job that it was in, 'superseded' with the jobs of dead letters that do not matter any
-- more, and 'drift' with drifts that are settled now.
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
      case when i.dead is not null then i.job_id end as dead_job,
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
  select 'dead', r.dead_job, r.sku, r.location_id, null from recorded r
  where r.dead_job is not null
  union all
  select 'superseded', s.job_id, null, null, null from superseded s
  where s.status = 'superseded'
  union all
  select 'drift', null, null, null, r.settled_drift from recorded r
  where r.settled_drift is not null;
end
$$;
