-- Commits one batch of decided commands, or nothing: levels, ledger, idempotency keys, reservations
-- and outbox messages in one statement, so in one transaction.
--
-- Raises OH001 (for an idempotency key 23505) when a level, a reservation or a key is no longer as it
-- was read: the caller reads again and decides again. Counts go through RETURNING and not through the row count,
-- which a distributed database reports differently.
--
-- p_levels has each level once, in lock order; p_lines those of new reservations; p_expired keys of
-- before whose time is over. p_answers are those of p_keys, as one text and separated by the
-- character 1F, which JSON cannot contain: nothing in them has to be escaped.
--
-- Snapshots are what levels were at some of the batch's versions, counts the versions at which a
-- figure was counted; mostly there are none. p_by_channel: some entry may be a channel's own doing.
--
-- Returns the database's time in ms since 1970: callers keep a clock by it.
create or replace function stock_commit(
  p_recorded_at timestamptz, p_keys_expire_at timestamptz,
  p_levels level_write[], p_entries entry_write[], p_keys key_write[], p_answers text,
  p_expired key_write[], p_reservations reservation_write[], p_lines reservation_line_write[],
  p_snapshots jsonb, p_counts jsonb, p_by_channel boolean default true)
returns double precision language plpgsql as $$
declare
  v_done integer;
  v_new integer;
begin
  -- Levels that exist, each found only at the version that was read. The writer's sessions know
  -- nested loops over index lookups alone, so rows are locked in the order of the arrays or in that
  -- of the primary key, which is the same: two batches cannot wait for each other in a circle.
  -- (Taking the locks first, in a query of their own, costs 5 µs more for each level.)
  with updated as (
    update stock_level s
    set on_hand = u.on_hand, reserved = u.reserved, allocated = u.allocated,
        open_orders = u.open_orders, pending_sales = u.pending_sales,
        unavailable = u.unavailable, safety_stock = u.safety_stock, incoming = u.incoming,
        first_hold_ends_at = u.first_hold_ends_at, version = u.version,
        updated_at = p_recorded_at
    from unnest(p_levels) as u
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
        and s.version = u.read_version
    returning 1
  )
  select count(*) into v_done from updated;

  if v_done < cardinality(p_levels) then
    -- The rest are levels that did not exist when they were read.
    with created as (
      insert into stock_level (merchant_id, sku, location_id, on_hand, reserved, allocated,
        open_orders, pending_sales, unavailable, safety_stock, incoming, first_hold_ends_at,
        version, updated_at)
      select u.merchant_id, u.sku, u.location_id, u.on_hand, u.reserved, u.allocated,
        u.open_orders, u.pending_sales, u.unavailable, u.safety_stock, u.incoming,
        u.first_hold_ends_at, u.version, p_recorded_at
      from unnest(p_levels) with ordinality as u(merchant_id, sku, location_id, read_version,
        version, on_hand, reserved, allocated, open_orders, pending_sales, unavailable,
        safety_stock, incoming, first_hold_ends_at, position)
      where u.read_version = 0
      order by u.position
      on conflict do nothing
      returning 1
    )
    select count(*) into v_new from created;
    if v_done + v_new <> cardinality(p_levels) then
      raise exception 'a stock level has moved' using errcode = 'OH001';
    end if;
  end if;

  if cardinality(p_expired) > 0 then
    delete from idempotency_key k
    using unnest(p_expired) as u
    where k.merchant_id = u.merchant_id and k.key = u.key and k.expires_at <= p_recorded_at;
  end if;
  if cardinality(p_keys) > 0 then
    -- No "on conflict": looking first and confirming afterwards costs a fifth of the insert, and a
    -- key that was used since the read is rare. It ends the statement with 23505, which the caller
    -- takes as it takes OH001.
    insert into idempotency_key
      (merchant_id, key, fingerprint, status, body, created_at, expires_at)
    select u.*, p_recorded_at, p_keys_expire_at
    from rows from (unnest(p_keys), string_to_table(p_answers, E'\x1f')) as u;
  end if;

  insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta, balance_after,
    command_id, reason, reference, actor, source_channel, occurred_at, recorded_at)
  select u.merchant_id, u.sku, u.location_id, u.version, u.quantity, u.delta, u.balance_after,
    u.command_id, u.reason, u.reference, u.actor, u.source_channel,
    coalesce(u.occurred_at, p_recorded_at), p_recorded_at
  from unnest(p_entries) as u;

  if p_by_channel then
    -- Locked already; the levels that a channel changes are few.
    update stock_level s
    set channel_version = u.version
    from (
      select e.merchant_id, e.sku, e.location_id, max(e.version) as version
      from unnest(p_entries) as e
      where e.source_channel is not null
      group by e.merchant_id, e.sku, e.location_id) u
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id;
  end if;

  insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
  select u.merchant_id, u.sku, u.location_id, u.version, p_recorded_at
  from unnest(p_entries) as u
  where u.message;

  if cardinality(p_reservations) > 0 then
    perform stock_commit_reservations(p_recorded_at, p_reservations, p_lines);
  end if;
  if p_snapshots is not null then
    insert into stock_snapshot (merchant_id, sku, location_id, version, on_hand, reserved,
      allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
    select s.*, p_recorded_at
    from jsonb_to_recordset(p_snapshots) as s(merchant_id text, sku text, location_id text,
      version bigint, on_hand integer, reserved integer, allocated integer, open_orders integer,
      pending_sales integer, unavailable integer, safety_stock integer, incoming integer)
    on conflict do nothing;
  end if;
  if p_counts is not null then
    insert into stock_count (merchant_id, sku, location_id, version)
    select c.*
    from jsonb_to_recordset(p_counts) as c(merchant_id text, sku text, location_id text,
      version bigint)
    on conflict do nothing;
  end if;
  return date_part('epoch', clock_timestamp()) * 1000;
end
$$;
