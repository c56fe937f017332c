-- What one partition holds, as one number that changes when any entry does. The order of the
-- entries does not matter. 1.5 s for a million entries.
create or replace function ledger_digest(
  p_partition regclass, out entries bigint, out first_entry bigint, out last_entry bigint,
  out digest bigint)
language plpgsql stable set timezone = 'UTC' set datestyle = 'ISO' as $$
begin
  execute format(
    'select count(*), min(entry_id), max(entry_id),
       coalesce(bit_xor(hashtextextended(e::text, 0)), 0) from %s e', p_partition)
  into entries, first_entry, last_entry, digest;
end
$$;

-- Levels whose entries in a partition do not continue what is before it (archived, or in the ledger
-- still), or do not add up: what is archived could not be audited any more. At most five.
create or replace function ledger_partition_faults(p_partition text, p_from timestamptz)
returns table (merchant_id text, sku text, location_id text, problem text)
language plpgsql stable as $$
begin
  return query execute format($query$
    with at_quantity as (
      select e.merchant_id, e.sku, e.location_id, e.quantity, sum(e.delta) as units,
        (array_agg(e.balance_after order by e.version desc))[1] as balance
      from %1$I e group by 1, 2, 3, 4
    ), at_level as (
      select e.merchant_id, e.sku, e.location_id, min(e.version) as first,
        max(e.version) as last, count(distinct e.version) as versions
      from %1$I e group by 1, 2, 3
    ), before_quantity as (
      select e.merchant_id, e.sku, e.location_id, e.quantity, sum(e.delta) as units
      from ledger_entry e where e.recorded_at < $1 group by 1, 2, 3, 4
    ), before_level as (
      select e.merchant_id, e.sku, e.location_id, max(e.version) as last
      from ledger_entry e where e.recorded_at < $1 group by 1, 2, 3
    )
    select l.merchant_id, l.sku, l.location_id,
      'versions do not go on where those before end, or have a gap'
    from at_level l
    left join before_level b using (merchant_id, sku, location_id)
    left join ledger_opening o using (merchant_id, sku, location_id)
    where l.first <> coalesce(b.last, o.version, 0) + 1 or l.versions <> l.last - l.first + 1
    union all
    select q.merchant_id, q.sku, q.location_id, 'deltas do not add up to the balance'
    from at_quantity q
    left join before_quantity b using (merchant_id, sku, location_id, quantity)
    left join ledger_opening o using (merchant_id, sku, location_id)
    where q.balance <> q.units + coalesce(b.units, 0) + coalesce(opening_units(o, q.quantity), 0)
    limit 5 $query$, p_partition) using p_from;
end
$$;

-- Who still needs entries of a partition that ends at p_to, and how much of it.
create or replace function ledger_partition_needs(p_partition text, p_to timestamptz)
returns table (need text, place text, things bigint)
language plpgsql stable as $$
begin
  return query execute format($query$
    -- messages on their way to the channels
    select 'outbox', o.merchant_id::text, count(*)
    from outbox_message o where o.recorded_at < $1 group by 1, 2
    union all
    -- what a channel was not told yet, or gave up
    select 'channel', l.merchant_id || '/' || l.channel_id, count(*)
    from listing l
    join channel c on c.merchant_id = l.merchant_id and c.channel_id = l.channel_id
    where c.enabled
      and (c.select_skus is null or l.sku = any (c.select_skus))
      and (c.select_stores is null or l.location_id = any (c.select_stores))
      and exists (
        select from %1$I e
        where e.merchant_id = l.merchant_id and e.sku = l.sku and e.location_id = l.location_id
          and e.version > l.published_version)
    group by 1, 2
    union all
    -- figures that wait for somebody's word: what was recorded since comes on top of them
    select 'quarantine', q.merchant_id || '/' || q.source_id, count(*)
    from source_quarantine q
    where q.status in ('parked', 'pending') and exists (
      select from %1$I e
      where e.merchant_id = q.merchant_id and e.sku = q.sku and e.location_id = q.location_id
        and e.recorded_at > q.observed_at)
    group by 1, 2
    union all
    -- figures that are tried again with every run
    select 'held item', h.merchant_id || '/' || h.source_id, count(*)
    from source_held_item h
    where exists (
      select from %1$I e
      where e.merchant_id = h.merchant_id and e.sku = h.item ->> 'sku'
        and e.location_id = h.item ->> 'storeId'
        and e.recorded_at > (h.item ->> 'observedAt')::timestamptz)
    group by 1, 2
    union all
    -- orders of a file whose run was killed: what became of them stands in the ledger, if anywhere
    select 'replay', r.merchant_id || '/' || r.location_id, count(*)
    from replay_order r where r.outcome is null and r.begun_at < $1 group by 1, 2
    $query$, p_partition) using p_to;
end
$$;

-- Takes a partition out of the ledger, or nothing: what its levels were at its end is carried
-- forward, the archive is recorded, and the partition is dropped (p_keep: left in the schema
-- `archive`), in one transaction.
--
-- Raises OH003 when the partition is not what was exported, and 55P03 when the ledger was in use
-- all the time. Writers wait for half a second at a time at the most.
create or replace function ledger_archive_partition(
  p_partition text, p_from timestamptz, p_to timestamptz, p_entries bigint, p_digest bigint,
  p_file text, p_bytes bigint, p_sha256 text, p_csv_sha256 text, p_archived_by text,
  p_keep boolean)
returns void language plpgsql as $$
declare
  v_found record;
begin
  execute format('lock table %I in share mode', p_partition);
  select * into v_found from ledger_digest(p_partition::regclass);
  if v_found.entries <> p_entries or v_found.digest <> p_digest then
    raise exception 'the partition has changed since it was exported' using errcode = 'OH003';
  end if;

  execute format($query$
    insert into ledger_opening as o (merchant_id, sku, location_id, version, on_hand, reserved,
      allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
    select merchant_id, sku, location_id, max(version),
      coalesce(sum(delta) filter (where quantity = 'on_hand'), 0),
      coalesce(sum(delta) filter (where quantity = 'reserved'), 0),
      coalesce(sum(delta) filter (where quantity = 'allocated'), 0),
      coalesce(sum(delta) filter (where quantity = 'open_orders'), 0),
      coalesce(sum(delta) filter (where quantity = 'pending_sales'), 0),
      coalesce(sum(delta) filter (where quantity = 'unavailable'), 0),
      coalesce(sum(delta) filter (where quantity = 'safety_stock'), 0),
      coalesce(sum(delta) filter (where quantity = 'incoming'), 0),
      max(recorded_at)
    from %I group by merchant_id, sku, location_id
    on conflict (merchant_id, sku, location_id) do update
    set version = excluded.version, recorded_at = excluded.recorded_at,
      on_hand = o.on_hand + excluded.on_hand, reserved = o.reserved + excluded.reserved,
      allocated = o.allocated + excluded.allocated,
      open_orders = o.open_orders + excluded.open_orders,
      pending_sales = o.pending_sales + excluded.pending_sales,
      unavailable = o.unavailable + excluded.unavailable,
      safety_stock = o.safety_stock + excluded.safety_stock,
      incoming = o.incoming + excluded.incoming $query$, p_partition);

  -- Questions about the past begin at a snapshot; those before it cannot be asked any more.
  insert into stock_snapshot (merchant_id, sku, location_id, version, on_hand, reserved,
    allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
  select merchant_id, sku, location_id, version, on_hand, reserved, allocated, open_orders,
    pending_sales, unavailable, safety_stock, incoming, recorded_at
  from ledger_opening where recorded_at >= p_from
  on conflict do nothing;
  delete from stock_snapshot s
  using ledger_opening o
  where o.recorded_at >= p_from and s.merchant_id = o.merchant_id and s.sku = o.sku
    and s.location_id = o.location_id and s.version < o.version;
  delete from stock_count c
  using ledger_opening o
  where o.recorded_at >= p_from and c.merchant_id = o.merchant_id and c.sku = o.sku
    and c.location_id = o.location_id and c.version <= o.version;

  execute format($query$
    insert into ledger_opening_order as o (merchant_id, channel_id, order_id, sku, location_id,
      sold, held)
    select merchant_id, source_channel, reference, sku, location_id,
      -coalesce(sum(delta) filter (where quantity = 'on_hand'), 0),
      coalesce(sum(delta) filter (where quantity = 'open_orders'), 0)
    from %I
    where reason = 'channel.order' and source_channel is not null and reference is not null
    group by merchant_id, source_channel, reference, sku, location_id
    on conflict (merchant_id, channel_id, order_id, sku, location_id) do update
    set sold = o.sold + excluded.sold, held = o.held + excluded.held $query$, p_partition);

  insert into ledger_archive (from_at, to_at, entries, first_entry, last_entry, digest, file,
    bytes, sha256, csv_sha256, archived_at, archived_by)
  values (p_from, p_to, p_entries, v_found.first_entry, v_found.last_entry, p_digest, p_file,
    p_bytes, p_sha256, p_csv_sha256, clock_timestamp(), p_archived_by);

  perform ledger_detach(p_partition);
  if p_keep then
    execute format('alter table %I set schema archive', p_partition);
  else
    execute format('drop table %I', p_partition);
  end if;
end
$$;

-- Detaches a partition. Whoever reads the ledger makes this wait, and whoever writes waits behind
-- it: so it asks for half a second, lets the others pass, and asks again, for a minute and a half.
create or replace function ledger_detach(p_partition text)
returns void language plpgsql as $$
begin
  perform set_config('lock_timeout', '500ms', true);
  for attempt in 1 .. 60 loop
    begin
      execute format('alter table ledger_entry detach partition %I', p_partition);
      perform set_config('lock_timeout', '0', true);
      return;
    exception when lock_not_available then
      if attempt = 60 then raise; end if;
      perform pg_sleep(1);
    end;
  end loop;
end
$$;
