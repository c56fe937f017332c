import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What deliveries to vendors need: calls that are repeated as they were, operations that are
 * confirmed later, drift, and what a channel is shown of what is available. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table channel
      add column batch_window_ms integer,
      add column drift_policy text not null default 'ours',
      -- +1 with each change of the buffer
      add column rules_version integer not null default 0,
      add constraint channel_batch_window_check check (batch_window_ms >= 0),
      add constraint channel_drift_policy_check check (drift_policy in ('ours', 'hold'))
  `.execute(db);
  await alterListing(db);
  await sql`
    alter table delivery
      drop constraint delivery_status_check,
      add constraint delivery_status_check check (status in ('delivered', 'suppressed', 'accepted',
        'held', 'retrying', 'dead', 'redriving', 'redriven', 'superseded'))`.execute(db);
  await createCalls(db);
  await createDrift(db);
  // These answer with other columns, or take others.
  await sql`
    drop function if exists delivery_read(text, text, uuid[], text[], text[], double precision)
  `.execute(db);
  await sql`
    drop function if exists listing_record(text, text, timestamptz, uuid[], text[], text[],
      bigint[], integer[], integer[], text[], boolean[], text[], uuid[])`.execute(db);
  await sql`
    drop function if exists listing_sweep(text, text, text, text, integer, text, uuid[], integer,
      integer)`.execute(db);
  await loadSql(db, [
    'functions/listing_mark.sql',
    'functions/listing_sweep.sql',
    'functions/listing_record.sql',
    'functions/listing_observe.sql',
    'functions/listing_requested.sql',
    'functions/delivery_read.sql',
    'functions/shown_quantity.sql',
    'views/delivery_figures.sql',
  ]);
}

async function alterListing(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table listing
      -- when the channel was last told something, and not only known to know it
      add column told_at             timestamptz,
      -- +1 with each change of paused_at
      add column rules_version       integer not null default 0,
      -- by which rules its figure was made: the channel's and the listing's version added, or -1
      -- where a wider buffer was in force
      add column told_rules          integer not null default 0,
      -- the operator shows 0 here
      add column paused_at           timestamptz,
      -- a figure that was sent and never answered: the channel may show it
      add column unanswered_quantity integer,
      -- the drift that is settled with its next publication
      add column drift_id            text collate "C",
      drop constraint listing_state_check,
      add constraint listing_state_check check (state in ('idle', 'queued', 'held', 'dead'))
  `.execute(db);
}

async function createCalls(db: Kysely<unknown>): Promise<void> {
  // json and not jsonb: what is repeated is the same to the order of its members.
  await sql`
    create table stored_call (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      -- the job that repeats it until it is answered
      job_id      uuid not null,
      -- its idempotency key
      message_id  text not null,
      content     json not null,
      stored_at   timestamptz not null default clock_timestamp(),
      constraint stored_call_pkey primary key (merchant_id, channel_id, job_id),
      constraint stored_call_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade
    ) with (autovacuum_vacuum_scale_factor = 0.1)`.execute(db);
  await sql`
    create table accepted_operation (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      -- the job that asks for it
      job_id      uuid not null,
      -- the channel's name for it
      operation   text not null,
      content     json not null,
      polls       integer not null default 0,
      accepted_at timestamptz not null default clock_timestamp(),
      constraint accepted_operation_pkey primary key (merchant_id, channel_id, job_id, operation),
      constraint accepted_operation_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade
    )`.execute(db);
  // Listings whose figure has to be looked at, asked for by whoever does not lead the channel.
  await sql`
    create table listing_request (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      constraint listing_request_pkey primary key (merchant_id, channel_id, sku, location_id),
      constraint listing_request_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade
    )`.execute(db);
  // What the leader last knew of its channel.
  await sql`
    create table channel_state (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      state       jsonb not null,
      noted_at    timestamptz not null,
      constraint channel_state_pkey primary key (merchant_id, channel_id),
      constraint channel_state_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade
    ) with (fillfactor = 50)`.execute(db);
}

async function createDrift(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table drift (
      merchant_id text collate "C" not null,
      drift_id    text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      -- where it was seen: one of the two
      channel_id  text collate "C",
      source_id   text collate "C",
      expected    bigint not null,
      observed    bigint not null,
      -- expected - observed
      units       bigint not null,
      -- what is thought to have caused it: channel_changed, …
      cause       text not null,
      -- what is done about it: send_ours, …
      action      text not null,
      status      text not null,
      found_at    timestamptz not null default clock_timestamp(),
      updated_at  timestamptz not null default clock_timestamp(),
      settled_at  timestamptz,
      constraint drift_pkey primary key (merchant_id, drift_id),
      constraint drift_where_check check ((channel_id is null) <> (source_id is null)),
      constraint drift_units_check check (units = expected - observed),
      constraint drift_status_check check (status in
        ('pending', 'settling', 'settled', 'ignored', 'superseded'))
    )`.execute(db);
  await sql`
    create index drift_channel_idx on drift (merchant_id, channel_id, drift_id)
    where channel_id is not null`.execute(db);
  await sql`
    create index drift_open_idx on drift (merchant_id, status, drift_id)
    where status in ('pending', 'settling')`.execute(db);
}
