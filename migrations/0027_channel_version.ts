import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * A level says up to which version some channel changed it, so that the ledger is not looked into
 * for each listing that a channel is told of.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Of a level that is there already nobody knows: the ledger is looked into, as before, until a
  // channel changes it again. No table is written anew for that.
  await sql`
    alter table stock_level
      -- no channel made a later version
      add column channel_version bigint not null default ${sql.lit(Number.MAX_SAFE_INTEGER)}
  `.execute(db);
  await sql`alter table stock_level alter column channel_version set default 0`.execute(db);
  // It takes one thing more; what is left out has a default, for processes of the version before.
  await sql`
    drop function if exists stock_commit(
      timestamptz, timestamptz, level_write[], entry_write[], key_write[], text, key_write[],
      reservation_write[], reservation_line_write[], jsonb, jsonb)`.execute(db);
  await loadSql(db, [
    'functions/stock_commit.sql',
    'functions/delivery_read.sql',
    'functions/listing_record.sql',
    'views/channel_version.sql',
  ]);
}
