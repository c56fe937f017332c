-- The rows that stock_commit takes, as types: an array of rows costs Postgres and its callers less
-- than an array for each column. Types cannot be replaced; one that has to change gets a new name.
do $$
begin
  if to_regtype('level_write') is not null then
    return;
  end if;

  -- read_version: 0 for a level that did not exist. first_hold_ends_at: as in stock_level.
  create type level_write as (
    merchant_id text, sku text, location_id text, read_version bigint, version bigint,
    on_hand integer, reserved integer, allocated integer, open_orders integer,
    pending_sales integer, unavailable integer, safety_stock integer, incoming integer,
    first_hold_ends_at timestamptz);

  -- occurred_at: null when it was when it is recorded. message: the entry has an outbox message.
  create type entry_write as (
    merchant_id text, sku text, location_id text, version bigint, quantity stock_quantity,
    delta integer, balance_after integer, command_id uuid, reason text, reference text, actor text,
    source_channel text, occurred_at timestamptz, message boolean);

  -- A key's answer comes apart from it.
  create type key_write as (merchant_id text, key text, fingerprint uuid, status smallint);

  -- status_read: null for a new one.
  create type reservation_write as (
    merchant_id text, reservation_id text, order_id text, status_read text, status text,
    late boolean, expires_at timestamptz);

  create type reservation_line_write as (
    merchant_id text, reservation_id text, sku text, location_id text, quantity integer);
end
$$;
