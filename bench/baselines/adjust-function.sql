-- The same change as `POST …/adjust`, as one would write it by hand: a conditional update, a ledger
-- entry, an outbox message and the remembered answer, in one statement and so in one transaction.
-- PL/pgSQL: one SQL statement of CTEs was as fast, within the noise (Postgres 18 keeps the plans of
-- both).
create or replace function bench_adjust(p_sku text, p_delta integer, p_key text)
returns text language plpgsql as $$
declare
  v_level stock_level;
  v_body text;
begin
  update stock_level
  set on_hand = on_hand + p_delta, version = version + 1, updated_at = now()
  where merchant_id = 'default' and sku = p_sku and location_id = 'main'
    and on_hand - reserved - allocated - open_orders - pending_sales - unavailable
        - safety_stock + p_delta >= 0
  returning * into v_level;
  if not found then
    raise exception 'not enough stock' using errcode = 'OH002';
  end if;

  v_body := '{"storeId":"main","sku":"' || p_sku || '","onHand":' || v_level.on_hand ||
    ',"reserved":0,"allocated":0,"openOrders":0,"pendingSales":0,"unavailable":0,' ||
    '"safetyStock":0,"incoming":0,"available":' || v_level.on_hand ||
    ',"version":' || v_level.version || ',"updatedAt":"2026-11-21T00:00:00.000Z"}';

  insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta, balance_after,
    reason, actor, command_id, occurred_at, recorded_at)
  values ('default', p_sku, 'main', v_level.version, 'on_hand', p_delta, v_level.on_hand,
    'sale', 'bench', gen_random_uuid(), now(), now());

  insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
  values ('default', p_sku, 'main', v_level.version, now());

  insert into idempotency_key (merchant_id, key, fingerprint, status, body, created_at, expires_at)
  values ('default', p_key, md5(p_sku)::uuid, 200, v_body, now(), now() + interval '1 day');

  return v_body;
end
$$;
