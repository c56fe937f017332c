import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** Reconciliation: its runs, how far their parts came, and what is known of a drift. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createRuns(db);
  await createParts(db);
  await sql`
    alter table drift
      -- of a source: which quantity of the level
      add column quantity          text,
      -- the run that found it; null: a delivery did
      add column reconciliation_id text collate "C",
      -- the version of the level that it was measured at
      add column version           bigint,
      -- when both were known to agree last
      add column agreed_at         timestamptz,
      -- the ledger's entries since then: how many, and the newest of them
      add column entry_count       integer not null default 0,
      add column entries           jsonb not null default '[]',
      -- what was seen, as it has to be known to settle it
      add column seen              jsonb,
      -- somebody approved: before anything is done it is measured once more
      add column approved_at       timestamptz`.execute(db);
  await sql`
    create index drift_reconciliation_idx on drift (merchant_id, reconciliation_id, drift_id)
    where reconciliation_id is not null`.execute(db);
  await sql`
    create index drift_source_idx on drift (merchant_id, source_id, drift_id)
    where source_id is not null`.execute(db);
  // What waits to be settled here, and not by a delivery.
  await sql`
    create index drift_settling_idx on drift (merchant_id, drift_id)
    where status = 'settling' and (source_id is not null or approved_at is not null)`.execute(db);
  await loadSql(db, ['functions/listing_shown.sql']);
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reconciliation (
      merchant_id       text collate "C" not null,
      reconciliation_id text collate "C" not null,
      trigger           text not null,
      -- of these only; both null: of everything
      channel_id        text collate "C",
      source_id         text collate "C",
      status            text not null,
      -- rows of the ledger's audit views, by view
      ledger            jsonb not null default '{}',
      requested_at      timestamptz not null default clock_timestamp(),
      started_at        timestamptz,
      -- all parts have ended, drifts may still be being settled
      compared_at       timestamptz,
      finished_at       timestamptz,
      constraint reconciliation_pkey primary key (merchant_id, reconciliation_id),
      constraint reconciliation_merchant_fkey foreign key (merchant_id) references merchant,
      constraint reconciliation_trigger_check check (trigger in ('schedule', 'request')),
      constraint reconciliation_status_check check (status in
        ('queued', 'running', 'settling', 'finished'))
    )`.execute(db);
  // One run of a merchant at a time, and of each scope one that waits.
  await sql`
    create unique index reconciliation_running_key on reconciliation (merchant_id)
    where status = 'running'`.execute(db);
  await sql`
    create unique index reconciliation_queued_key
    on reconciliation (merchant_id, coalesce(channel_id, ''), coalesce(source_id, ''))
    where status = 'queued'`.execute(db);
  await sql`
    create index reconciliation_open_idx on reconciliation (status)
    where status <> 'finished'`.execute(db);
}

async function createParts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reconciliation_part (
      merchant_id       text collate "C" not null,
      reconciliation_id text collate "C" not null,
      -- 'channel:<id>', 'source:<id>' or 'ledger'
      part_id           text collate "C" not null,
      channel_id        text collate "C",
      source_id         text collate "C",
      status            text not null default 'reading',
      -- why it failed, or what it could not do
      code              text,
      -- how far it came: the last listing, or the source's own words
      position          jsonb,
      -- what differs is looked at again from then on
      confirm_at        timestamptz,
      -- so much of a source fell to zero at once that all of that waits for an approval
      holds_zeros       boolean not null default false,
      compared          integer not null default 0,
      -- of those compared how many have stock
      stocked           integer not null default 0,
      in_flight         integer not null default 0,
      -- listings that the channel does not have
      missing           integer not null default 0,
      drifts            integer not null default 0,
      -- of a source: items read
      items             integer not null default 0,
      finished_at       timestamptz,
      constraint reconciliation_part_pkey primary key (merchant_id, reconciliation_id, part_id),
      constraint reconciliation_part_run_fkey foreign key (merchant_id, reconciliation_id)
        references reconciliation on delete cascade,
      constraint reconciliation_part_status_check check (status in
        ('reading', 'confirming', 'finished', 'failed'))
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    create table reconciliation_suspect (
      merchant_id       text collate "C" not null,
      reconciliation_id text collate "C" not null,
      part_id           text collate "C" not null,
      sku               text collate "C" not null,
      location_id       text collate "C" not null,
      -- of a source; '' of a channel
      quantity          text not null,
      -- what was seen, to be compared with what is seen then
      seen              jsonb not null,
      constraint reconciliation_suspect_pkey
        primary key (merchant_id, reconciliation_id, part_id, sku, location_id, quantity),
      constraint reconciliation_suspect_part_fkey
        foreign key (merchant_id, reconciliation_id, part_id)
        references reconciliation_part on delete cascade
    )`.execute(db);
}
