import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * The ledger by month. What is there already stays where it is: the table of before becomes the
 * partition of everything up to the end of its newest month, so that the migration reads it once
 * (some seconds for ten million entries) and copies nothing.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const views = await viewsOfLedger(db);
  await sql`alter table ledger_entry rename to ledger_entry_first`.execute(db);
  await sql`alter index ledger_entry_pkey rename to ledger_entry_first_pkey`.execute(db);
  await sql`alter index ledger_entry_id_idx rename to ledger_entry_first_id_idx`.execute(db);
  // No key of its own: it would have to contain the time. Its partitions have one each.
  await sql`
    create table ledger_entry (like ledger_entry_first including defaults including constraints)
    partition by range (recorded_at)`.execute(db);
  await sql`create index ledger_entry_id_idx on ledger_entry (merchant_id, entry_id)`.execute(db);
  await sql`
    alter sequence ledger_entry_entry_id_seq owned by ledger_entry.entry_id`.execute(db);
  // For what no month covers that was made so far.
  await sql`
    create table ledger_entry_other partition of ledger_entry (
      constraint ledger_entry_other_pkey
        primary key (merchant_id, sku, location_id, version, quantity)
    ) default`.execute(db);
  for (const view of views) {
    await sql`create or replace view ${sql.raw(view.name)} as ${sql.raw(view.text)}`.execute(db);
  }
  await createArchive(db);
  await loadSql(db, [
    'functions/ledger_partitions.sql',
    'functions/opening_units.sql',
    'functions/ledger_archive.sql',
    'functions/delivery_read.sql',
    'functions/delivery_entries.sql',
    'views/no_oversell.sql',
    'views/readable.sql',
    'views/ledger_is_the_truth.sql',
    'views/versions_are_contiguous.sql',
    'views/snapshots.sql',
    'views/inbox.sql',
    'views/archives.sql',
    'views/global.sql',
  ]);
  await attachFirst(db);
  await sql`select ledger_make_partitions(now(), 2)`.execute(db);
}

/** What was taken out of the ledger, and what is carried forward of it. */
async function createArchive(db: Kysely<unknown>): Promise<void> {
  // Of the whole instance, like the partitions: the one table without a merchant.
  await sql`
    create table ledger_archive (
      -- what the partition covered: entries by recorded_at
      from_at     timestamptz not null,
      to_at       timestamptz not null,
      entries     bigint not null,
      first_entry bigint,
      last_entry  bigint,
      -- ledger_digest of the partition
      digest      bigint not null,
      file        text not null,
      bytes       bigint not null,
      -- of the file, and of the text in it
      sha256      text not null,
      csv_sha256  text not null,
      archived_at timestamptz not null,
      archived_by text not null,
      constraint ledger_archive_pkey primary key (to_at),
      constraint ledger_archive_range_check check (from_at < to_at)
    )`.execute(db);
  // What a level was at the last of its entries that are archived: its ledger begins behind it.
  await sql`
    create table ledger_opening (
      merchant_id   text collate "C" not null,
      sku           text collate "C" not null,
      location_id   text collate "C" not null,
      version       bigint not null,
      on_hand       integer not null,
      reserved      integer not null,
      allocated     integer not null,
      open_orders   integer not null,
      pending_sales integer not null,
      unavailable   integer not null,
      safety_stock  integer not null,
      incoming      integer not null,
      recorded_at   timestamptz not null,
      constraint ledger_opening_pkey primary key (merchant_id, sku, location_id)
    )`.execute(db);
  // What archived entries say of channels' orders.
  await sql`
    create table ledger_opening_order (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      order_id    text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      sold        bigint not null,
      held        bigint not null,
      constraint ledger_opening_order_pkey
        primary key (merchant_id, channel_id, order_id, sku, location_id)
    )`.execute(db);
  await sql`create schema archive`.execute(db);
  await sql`
    comment on schema archive is
      'Archived months of the ledger that were kept or restored, to look at; nothing reads them'
  `.execute(db);
}

/** Views that read the ledger: they know a table by its number and not by its name. */
async function viewsOfLedger(
  db: Kysely<unknown>,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const { rows } = await sql<{ name: string; text: string }>`
    select distinct c.oid::regclass::text as name, pg_get_viewdef(c.oid) as text
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    join pg_class c on c.oid = r.ev_class and c.relkind = 'v'
    where d.refclassid = 'pg_class'::regclass and d.refobjid = 'ledger_entry'::regclass`.execute(
    db,
  );
  return rows;
}

/** Hangs the table of before under the new one; an empty one is of no use. */
async function attachFirst(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ until: string | null }>`
    select date_trunc('month', max(recorded_at) + interval '1 month', 'UTC')::text as until
    from ledger_entry_first`.execute(db);
  const until = rows[0]?.until ?? null;
  if (until === null) {
    await sql`drop table ledger_entry_first`.execute(db);
    return;
  }
  await sql`
    alter table ledger_entry attach partition ledger_entry_first
    for values from (minvalue) to (${sql.lit(until)})`.execute(db);
}
