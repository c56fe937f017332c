import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * What tells a figure from what moved since: which versions of a level are counts, which movements
 * of a source its figures do not have in them yet, and which figures a full read did not show.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Few of a level's versions are counts: they are no column of every entry.
  await sql`
    create table stock_count (
      merchant_id text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      version     bigint not null,
      constraint stock_count_pkey primary key (merchant_id, sku, location_id, version)
    )`.execute(db);
  await sql`drop function stock_commit`.execute(db);
  await loadSql(db, [
    'types/stock_commit_rows.sql',
    'functions/stock_commit.sql',
    // It writes the order that a hold is sold to.
    'functions/stock_commit_reservations.sql',
    'functions/ledger_archive.sql',
    // A database from before it was split off does not have it.
    'functions/holds_at.sql',
  ]);
  await sql`
    alter table source_figure
      -- the level's version when the source spoke of it first; 0: before that was noted
      add column first_version bigint not null default 0,
      -- a full read did not show it
      add column missing       boolean not null default false`.execute(db);
  await keepMovements(db);
}

/** Movements with what they are about. Those of before are found in the ledger, read once. */
async function keepMovements(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table source_movement
      add column sku         text collate "C",
      add column location_id text collate "C",
      add column quantity    stock_quantity,
      add column value       integer,
      add column version     text,
      add column observed_at timestamptz,
      -- a figure that was taken since has it in it
      add column settled     boolean not null default true`.execute(db);
  await sql`alter table source_movement alter column settled set default false`.execute(db);
  await sql`
    update source_movement m
    set sku = e.sku, location_id = e.location_id, quantity = e.quantity, value = e.delta,
        observed_at = e.occurred_at, settled = false
    from ledger_entry e
    where e.merchant_id = m.merchant_id and e.actor = 'source:' || m.source_id
      and e.reason = 'source.adjust' and e.reference = m.item_id`.execute(db);
  await sql`
    create index source_movement_place_idx
    on source_movement (merchant_id, source_id, sku, location_id, quantity)
    where not settled`.execute(db);
}
