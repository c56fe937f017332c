import { sql, type Kysely } from 'kysely';

/**
 * For tables whose rows are replaced all the time: dead rows are cleared after some ten thousand
 * changes, however large the table is, and without pauses. The default waits for a fifth of it.
 */
const frequentVacuum = sql.raw(
  'autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, ' +
    'autovacuum_vacuum_cost_delay = 0',
);

/**
 * Merchants, locations, stock levels, the ledger, idempotency keys and the outbox.
 *
 * `merchant_id` stands first in every key: it keeps merchants apart, and it is what the schema is
 * distributed by when one machine no longer suffices. For the same reason there are no triggers and
 * no identity columns. Text that is compared or ordered uses the collation "C": byte order is the
 * order in which locks are taken, the same in every process and on every machine.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table merchant (
      merchant_id text collate "C" not null,
      name        text,
      created_at  timestamptz not null default now(),
      constraint merchant_pkey primary key (merchant_id)
    )`.execute(db);
  await sql`insert into merchant (merchant_id, name) values ('default', null)`.execute(db);

  await sql`
    create table api_key (
      merchant_id text collate "C" not null,
      key_id      text collate "C" not null,
      name        text not null,
      role        text not null,
      key_hash    bytea not null,
      created_at  timestamptz not null default now(),
      revoked_at  timestamptz,
      constraint api_key_pkey primary key (merchant_id, key_id),
      constraint api_key_merchant_fkey foreign key (merchant_id) references merchant,
      constraint api_key_hash_key unique (merchant_id, key_hash),
      -- root: the instance's admin key, for any merchant; admin: may manage its merchant's keys
      constraint api_key_role_check check (role in ('root', 'admin', 'member'))
    )`.execute(db);
  await sql`create index api_key_hash_idx on api_key (key_hash)`.execute(db);

  await sql`
    create table location (
      merchant_id text collate "C" not null,
      location_id text collate "C" not null,
      name        text,
      kind        text not null default 'store',
      created_at  timestamptz not null default now(),
      updated_at  timestamptz not null default now(),
      constraint location_pkey primary key (merchant_id, location_id),
      constraint location_merchant_fkey foreign key (merchant_id) references merchant,
      constraint location_kind_check check (kind in ('store', 'warehouse'))
    )`.execute(db);

  await createStockLevel(db);
  await createLedger(db);

  await sql`
    create table idempotency_key (
      merchant_id text collate "C" not null,
      key         text collate "C" not null,
      fingerprint uuid not null,
      -- null while the first request that brought the key is still at work
      status      smallint,
      body        text,
      created_at  timestamptz not null,
      expires_at  timestamptz not null,
      constraint idempotency_key_pkey primary key (merchant_id, key)
    ) with (autovacuum_vacuum_scale_factor = 0.05)`.execute(db);
  // brin: the rows lie in the order of time, and the sweep reads only the oldest
  await sql`
    create index idempotency_key_expiry_idx
      on idempotency_key using brin (expires_at)`.execute(db);

  // Narrow, and written once: the fact that a version of a level has to reach the channels.
  await sql`
    create table outbox_message (
      merchant_id    text collate "C" not null,
      message_id     bigserial not null,
      sku            text collate "C" not null,
      location_id    text collate "C" not null,
      version        bigint not null,
      recorded_at    timestamptz not null,
      constraint outbox_message_pkey primary key (merchant_id, message_id)
    ) with (${frequentVacuum})`.execute(db);
}

async function createStockLevel(db: Kysely<unknown>): Promise<void> {
  // fillfactor 70 and no index on a column that changes: updates stay on their page (HOT).
  await sql`
    create table stock_level (
      merchant_id   text collate "C" not null,
      sku           text collate "C" not null,
      location_id   text collate "C" not null,
      on_hand       integer not null default 0,
      reserved      integer not null default 0,
      allocated     integer not null default 0,
      open_orders   integer not null default 0,
      pending_sales integer not null default 0,
      unavailable   integer not null default 0,
      safety_stock  integer not null default 0,
      incoming      integer not null default 0,
      version       bigint not null,
      updated_at    timestamptz not null,
      constraint stock_level_pkey primary key (merchant_id, sku, location_id),
      constraint stock_level_location_fkey
        foreign key (merchant_id, location_id) references location,
      constraint stock_level_on_hand_check check (on_hand >= 0),
      constraint stock_level_reserved_check check (reserved >= 0),
      constraint stock_level_allocated_check check (allocated >= 0),
      constraint stock_level_open_orders_check check (open_orders >= 0),
      constraint stock_level_pending_sales_check check (pending_sales >= 0),
      constraint stock_level_unavailable_check check (unavailable >= 0),
      constraint stock_level_safety_stock_check check (safety_stock >= 0),
      constraint stock_level_incoming_check check (incoming >= 0),
      constraint stock_level_version_check check (version >= 1)
    ) with (fillfactor = 70, ${frequentVacuum})`.execute(db);
}

async function createLedger(db: Kysely<unknown>): Promise<void> {
  await sql`
    create type stock_quantity as enum (
      'on_hand', 'reserved', 'allocated', 'open_orders', 'pending_sales', 'unavailable',
      'safety_stock', 'incoming')`.execute(db);
  // No foreign key to stock_level: it would lock the level's row once more for each entry. The
  // commit writes both, and audit.ledger_without_level shows any entry that stands alone.
  await sql`
    create table ledger_entry (
      merchant_id    text collate "C" not null,
      entry_id       bigserial not null,
      sku            text collate "C" not null,
      location_id    text collate "C" not null,
      version        bigint not null,
      quantity       stock_quantity not null,
      delta          integer not null,
      balance_after  integer not null,
      reason         text,
      reference      text,
      actor          text,
      source_channel text,
      command_id     uuid not null,
      occurred_at    timestamptz not null,
      recorded_at    timestamptz not null,
      constraint ledger_entry_pkey primary key (merchant_id, sku, location_id, version, quantity),
      constraint ledger_entry_balance_check check (balance_after >= 0)
    )`.execute(db);
  await sql`create index ledger_entry_id_idx on ledger_entry (merchant_id, entry_id)`.execute(db);
}
