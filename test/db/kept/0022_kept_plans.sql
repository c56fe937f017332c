-- What a database has whose newest migration is 0022 and that had applied it before 0023 was
-- there: the functions of then in place of those that the files say today.
drop function stock_commit;
drop function stock_commit_reservations;
drop type level_write, entry_write, key_write, reservation_write, reservation_line_write;

-- The reservations of a batch: new ones (no status read) with their lines, and those that move on.
-- Raises OH001 when a reservation is no longer in the status that was read. Called by stock_commit.
create or replace function stock_commit_reservations(
  p_recorded_at timestamptz,
  r_merchant text[], r_id text[], r_order text[], r_status_read text[], r_status text[],
  r_late boolean[], r_expires_at timestamptz[],
  n_merchant text[], n_id text[], n_sku text[], n_location text[], n_quantity integer[])
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
    from unnest(r_merchant, r_id, r_order, r_status_read, r_status, r_late, r_expires_at)
         as u(merchant_id, reservation_id, order_id, status_read, status, late, expires_at)
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
    from unnest(r_merchant, r_id, r_order, r_status_read, r_status, r_late, r_expires_at)
         as u(merchant_id, reservation_id, order_id, status_read, status, late, expires_at)
    where u.status_read is null
    returning merchant_id, reservation_id, status, expires_at
  ), lines as (
    insert into reservation_line
      (merchant_id, reservation_id, sku, location_id, quantity, held_until)
    select u.merchant_id, u.reservation_id, u.sku, u.location_id, u.quantity,
      case when created.status = 'active' then created.expires_at end
    from unnest(n_merchant, n_id, n_sku, n_location, n_quantity)
         as u(merchant_id, reservation_id, sku, location_id, quantity)
    join created using (merchant_id, reservation_id)
    returning 1
  )
  select count(*), (select count(*) from lines) into v_new from created;

  if v_moved + v_new <> cardinality(r_id) then
    raise exception 'a reservation has moved' using errcode = 'OH001';
  end if;
end
$$;

-- Commits one batch of decided commands, or nothing: levels, ledger, idempotency keys, reservations
-- and outbox messages in one statement, so in one transaction.
--
-- Raises OH001 (for an idempotency key 23505) when a level, a reservation or a key is no longer as it
-- was read: the caller reads again and decides again. Counts go through RETURNING and not through the row count,
-- which a distributed database reports differently.
--
-- The arrays of one prefix belong together: l_ levels (each once, in lock order), e_ ledger entries,
-- k_ idempotency keys, x_ keys of before whose time is over, r_ reservations, n_ lines of new
-- reservations. The answers kept with the keys come as one text, separated by the character 1F,
-- which JSON cannot contain: nothing in them has to be escaped.
--
-- Snapshots are what levels were at some of the batch's versions, counts the versions at which a
-- figure was counted; mostly there are none.
--
-- Returns the database's time in ms since 1970: callers keep a clock by it.
create or replace function stock_commit(
  p_recorded_at timestamptz, p_keys_expire_at timestamptz,
  l_merchant text[], l_sku text[], l_location text[], l_read_version bigint[], l_version bigint[],
  l_on_hand integer[], l_reserved integer[], l_allocated integer[], l_open_orders integer[],
  l_pending_sales integer[], l_unavailable integer[], l_safety_stock integer[],
  l_incoming integer[],
  e_merchant text[], e_sku text[], e_location text[], e_version bigint[],
  e_quantity stock_quantity[], e_delta integer[], e_balance integer[], e_command uuid[],
  e_reason text[], e_reference text[], e_actor text[], e_channel text[],
  e_occurred_at timestamptz[], e_message boolean[],
  k_merchant text[], k_key text[], k_fingerprint uuid[], k_status smallint[], k_bodies text,
  x_merchant text[], x_key text[],
  r_merchant text[], r_id text[], r_order text[], r_status_read text[], r_status text[],
  r_late boolean[], r_expires_at timestamptz[],
  n_merchant text[], n_id text[], n_sku text[], n_location text[], n_quantity integer[],
  p_snapshots jsonb, p_counts jsonb)
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
        version = u.version, updated_at = p_recorded_at
    from unnest(l_merchant, l_sku, l_location, l_read_version, l_version, l_on_hand, l_reserved,
                l_allocated, l_open_orders, l_pending_sales, l_unavailable, l_safety_stock,
                l_incoming)
         as u(merchant_id, sku, location_id, read_version, version, on_hand, reserved, allocated,
              open_orders, pending_sales, unavailable, safety_stock, incoming)
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
        and s.version = u.read_version
    returning 1
  )
  select count(*) into v_done from updated;

  if v_done < cardinality(l_sku) then
    -- The rest are levels that did not exist when they were read.
    with created as (
      insert into stock_level (merchant_id, sku, location_id, on_hand, reserved, allocated,
        open_orders, pending_sales, unavailable, safety_stock, incoming, version, updated_at)
      select u.merchant_id, u.sku, u.location_id, u.on_hand, u.reserved, u.allocated,
        u.open_orders, u.pending_sales, u.unavailable, u.safety_stock, u.incoming, u.version,
        p_recorded_at
      from unnest(l_merchant, l_sku, l_location, l_read_version, l_version, l_on_hand, l_reserved,
                  l_allocated, l_open_orders, l_pending_sales, l_unavailable, l_safety_stock,
                  l_incoming)
           with ordinality as u(merchant_id, sku, location_id, read_version, version, on_hand,
                  reserved, allocated, open_orders, pending_sales, unavailable, safety_stock,
                  incoming, position)
      where u.read_version = 0
      order by u.position
      on conflict do nothing
      returning 1
    )
    select count(*) into v_new from created;
    if v_done + v_new <> cardinality(l_sku) then
      raise exception 'a stock level has moved' using errcode = 'OH001';
    end if;
  end if;

  if cardinality(x_key) > 0 then
    delete from idempotency_key k
    using unnest(x_merchant, x_key) as u(merchant_id, key)
    where k.merchant_id = u.merchant_id and k.key = u.key and k.expires_at <= p_recorded_at;
  end if;
  -- No "on conflict": looking first and confirming afterwards costs a fifth of the insert, and a key
  -- that was used since the read is rare. It ends the statement with 23505, which the caller takes
  -- as it takes OH001.
  insert into idempotency_key
    (merchant_id, key, fingerprint, status, body, created_at, expires_at)
  select u.*, p_recorded_at, p_keys_expire_at
  from unnest(k_merchant, k_key, k_fingerprint, k_status, string_to_array(k_bodies, E'\x1f')) as u;

  insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta, balance_after,
    command_id, reason, reference, actor, source_channel, occurred_at, recorded_at)
  select u.*, p_recorded_at
  from unnest(e_merchant, e_sku, e_location, e_version, e_quantity, e_delta, e_balance, e_command,
              e_reason, e_reference, e_actor, e_channel, e_occurred_at) as u;

  insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
  select u.merchant_id, u.sku, u.location_id, u.version, p_recorded_at
  from unnest(e_merchant, e_sku, e_location, e_version, e_message)
       as u(merchant_id, sku, location_id, version, message)
  where u.message;

  if cardinality(r_id) > 0 then
    perform stock_commit_reservations(p_recorded_at, r_merchant, r_id, r_order, r_status_read,
      r_status, r_late, r_expires_at, n_merchant, n_id, n_sku, n_location, n_quantity);
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
