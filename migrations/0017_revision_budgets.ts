import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * Budgets for channels that let a listing be changed only so often a day, and listings that wait
 * for them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table revision_budget (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      -- the channel's name for what it counts revisions of
      subject     text collate "C" not null,
      -- a calendar day where the channel counts
      day         date not null,
      -- revisions that were made, or may have been
      spent       integer not null,
      -- the newest of them; null: none
      spent_at    timestamptz,
      constraint revision_budget_pkey primary key (merchant_id, channel_id, subject, day),
      constraint revision_budget_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade,
      constraint revision_budget_spent_check check (spent >= 0)
    ) with (fillfactor = 70)`.execute(db);
  await sql`
    alter table listing
      drop constraint listing_state_check,
      add constraint listing_state_check
        check (state in ('idle', 'queued', 'waiting', 'held', 'dead'))`.execute(db);
  await sql`
    alter table listing_request
      -- not to be looked at before
      add column due_at timestamptz not null default '-infinity'`.execute(db);
  // It takes another argument now.
  await sql`
    drop function if exists listing_requested(text, text, uuid[], integer, integer)`.execute(db);
  await loadSql(db, [
    'functions/listing_requested.sql',
    'functions/listing_sweep.sql',
    'functions/listing_wait.sql',
  ]);
}
