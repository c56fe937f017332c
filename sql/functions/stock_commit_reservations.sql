-- The reservations of a batch: new ones (no status read) with their lines, and those that move on.
-- Raises OH001 when a reservation is no longer in the status that was read, or was sold to another
-- order meanwhile. Called by stock_commit.
create or replace function stock_commit_reservations(
  p_recorded_at timestamptz, p_reservations reservation_write[],
  p_lines reservation_line_write[])
returns void language plpgsql as $$
declare
  v_moved integer;
  v_new integer;
begin
  -- The statuses can be compared without a lock order of their own: whoever moves a reservation
  -- has locked its levels before. What was sold without an order moves no level when it gets one,
  -- and gets it once.
  with moved as (
    update reservation r
    set order_id = u.order_id, status = u.status, late = u.late, expires_at = u.expires_at,
        updated_at = p_recorded_at
    from unnest(p_reservations) as u
    where r.merchant_id = u.merchant_id and r.reservation_id = u.reservation_id
      and r.status = u.status_read
      and (r.status <> 'committed' or r.order_id is null or r.order_id = u.order_id)
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
