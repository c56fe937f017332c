-- The tables a stock service writes, with the columns, keys, indexes and storage settings of ours:
-- both sides of a comparison do the same row work. Written down apart from the migrations, so that
-- a change of our schema does not move the mark it is measured against.

create table stock_level (
  merchant_id   text collate "C" not null,
  sku           text collate "C" not null,
  location_id   text collate "C" not null,
  on_hand       integer not null default 0 check (on_hand >= 0),
  reserved      integer not null default 0 check (reserved >= 0),
  allocated     integer not null default 0 check (allocated >= 0),
  open_orders   integer not null default 0 check (open_orders >= 0),
  pending_sales integer not null default 0 check (pending_sales >= 0),
  unavailable   integer not null default 0 check (unavailable >= 0),
  safety_stock  integer not null default 0 check (safety_stock >= 0),
  incoming      integer not null default 0 check (incoming >= 0),
  version       bigint not null check (version >= 1),
  updated_at    timestamptz not null,
  primary key (merchant_id, sku, location_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

create type stock_quantity as enum (
  'on_hand', 'reserved', 'allocated', 'open_orders', 'pending_sales', 'unavailable',
  'safety_stock', 'incoming');

create table ledger_entry (
  merchant_id    text collate "C" not null,
  entry_id       bigserial not null,
  sku            text collate "C" not null,
  location_id    text collate "C" not null,
  version        bigint not null,
  quantity       stock_quantity not null,
  delta          integer not null,
  balance_after  integer not null check (balance_after >= 0),
  reason         text,
  reference      text,
  actor          text,
  source_channel text,
  command_id     uuid not null,
  occurred_at    timestamptz not null,
  recorded_at    timestamptz not null,
  primary key (merchant_id, sku, location_id, version, quantity)
);
create index ledger_entry_id_idx on ledger_entry (merchant_id, entry_id);

create table idempotency_key (
  merchant_id text collate "C" not null,
  key         text collate "C" not null,
  fingerprint uuid not null,
  status      smallint,
  body        text,
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  primary key (merchant_id, key)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index idempotency_key_expiry_idx on idempotency_key using brin (expires_at);

-- Nobody takes messages from it here, which spares the baseline the work of a relay.
create table outbox_message (
  merchant_id text collate "C" not null,
  message_id  bigserial not null,
  sku         text collate "C" not null,
  location_id text collate "C" not null,
  version     bigint not null,
  recorded_at timestamptz not null,
  primary key (merchant_id, message_id)
);
