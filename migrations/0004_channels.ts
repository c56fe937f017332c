import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** Channels, their listings, and what was delivered to them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table channel (
      merchant_id    text collate "C" not null,
      channel_id     text collate "C" not null,
      kind           text not null,
      config         jsonb not null,
      -- sealed, bound to merchant and channel
      credentials    bytea,
      mode           text not null,
      rate_limit_rps double precision,
      timeout_ms     integer not null,
      max_attempts   integer,
      buffer         jsonb,
      enabled        boolean not null,
      paused_at      timestamptz,
      pause_reason   text,
      -- name of its pg-boss queue
      queue          text not null,
      -- which levels it gets: all of these SKUs and stores (null: any), or only what is listed
      selects_all    boolean not null,
      select_skus    text[] collate "C",
      select_stores  text[] collate "C",
      -- where a run over all levels stands: { "nonce", "after": [sku, location] }
      backfill       jsonb,
      -- the one process that works the queue, by the database's clock
      leader         text,
      leader_until   timestamptz,
      -- until then the channel asked to be left alone (Retry-After)
      blocked_until  timestamptz,
      created_at     timestamptz not null,
      updated_at     timestamptz not null,
      constraint channel_pkey primary key (merchant_id, channel_id),
      constraint channel_merchant_fkey foreign key (merchant_id) references merchant,
      constraint channel_mode_check check (mode in ('latest', 'every')),
      constraint channel_timeout_check check (timeout_ms > 0),
      constraint channel_rate_limit_check check (rate_limit_rps > 0),
      constraint channel_max_attempts_check check (max_attempts > 0)
    ) with (fillfactor = 50)`.execute(db);
  await createListing(db);
  await createDelivery(db);
  await loadSql(db, [
    'functions/listing_mark.sql',
    'functions/listing_sweep.sql',
    'functions/listing_record.sql',
    'functions/listing_move.sql',
    'functions/delivery_read.sql',
    'functions/delivery_entries.sql',
  ]);
}

async function createListing(db: Kysely<unknown>): Promise<void> {
  // Written twice for each publication. No index besides the key: a partial index on `state` would
  // make every one of those updates touch all indexes (no HOT), and the sweep reads pages anyway.
  await sql`
    create table listing (
      merchant_id        text collate "C" not null,
      channel_id         text collate "C" not null,
      sku                text collate "C" not null,
      location_id        text collate "C" not null,
      external_ids       jsonb,
      -- what the channel was told last, and of which version of the level
      published_quantity integer,
      published_on_hand  integer,
      published_version  bigint not null default 0,
      published_at       timestamptz,
      -- the newest version that is known to be due
      wanted_version     bigint not null default 0,
      -- recorded_at of the oldest change that the channel has not acknowledged
      pending_since      timestamptz,
      -- set by a republish: to be sent although nothing changed
      force_nonce        text,
      state              text not null default 'idle',
      -- the only job that may work on it while it is queued
      job_id             uuid,
      -- the dead letter that it stands in until something newer is delivered
      dead_delivery      text collate "C",
      constraint listing_pkey primary key (merchant_id, channel_id, sku, location_id),
      constraint listing_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade,
      constraint listing_state_check check (state in ('idle', 'queued', 'dead')),
      constraint listing_job_check check (state <> 'queued' or job_id is not null)
    ) with (
      fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000,
      autovacuum_vacuum_cost_delay = 0
    )`.execute(db);
}

async function createDelivery(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table delivery (
      merchant_id   text collate "C" not null,
      delivery_id   text collate "C" not null,
      channel_id    text collate "C" not null,
      job_id        uuid not null,
      -- the webhook-id of the newest attempt
      message_id    text,
      status        text not null,
      listings      integer not null,
      -- of a dead letter: listings for which nothing newer was delivered since
      open_listings integer not null default 0,
      created_at    timestamptz not null,
      updated_at    timestamptz not null,
      constraint delivery_pkey primary key (merchant_id, delivery_id),
      constraint delivery_status_check check (status in
        ('delivered', 'suppressed', 'retrying', 'dead', 'redriving', 'redriven', 'superseded'))
    )`.execute(db);
  await sql`
    create index delivery_channel_idx on delivery (merchant_id, channel_id, delivery_id)
  `.execute(db);
  await sql`
    create index delivery_open_idx on delivery (merchant_id, channel_id, status, delivery_id)
    where status in ('retrying', 'dead', 'redriving')`.execute(db);
  // brin: rows lie in the order of time, and the pruning reads only the oldest
  await sql`create index delivery_age_idx on delivery using brin (created_at)`.execute(db);
  await sql`
    create table delivery_attempt (
      merchant_id text collate "C" not null,
      delivery_id text collate "C" not null,
      attempt     integer not null,
      started_at  timestamptz not null,
      outcome     text not null,
      http_status smallint,
      error_code  text,
      lag_ms      integer,
      duration_ms integer not null,
      constraint delivery_attempt_pkey primary key (merchant_id, delivery_id, attempt)
    )`.execute(db);
}
