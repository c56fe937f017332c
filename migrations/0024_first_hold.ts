import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** A level says itself when the first of its holds may end, so that reading it looks up none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table stock_level
      -- no hold of the level ends before it; null: it has none
      add column first_hold_ends_at timestamptz`.execute(db);
  await sql`
    update stock_level s
    set first_hold_ends_at = (
      select min(l.held_until) from reservation_line l
      where l.merchant_id = s.merchant_id and l.sku = s.sku and l.location_id = s.location_id)
    where s.reserved > 0`.execute(db);
  // What a function takes cannot be replaced, nor can a type. A new database has them already.
  await sql`drop function stock_commit`.execute(db);
  await sql`
    drop function stock_commit_reservations(
      timestamptz, reservation_write[], reservation_line_write[])`.execute(db);
  await sql`
    drop type
      level_write, entry_write, key_write, reservation_write, reservation_line_write`.execute(db);
  await loadSql(db, [
    'types/stock_commit_rows.sql',
    'functions/stock_commit_reservations.sql',
    'functions/stock_commit.sql',
    'functions/holds_at.sql',
    'functions/delivery_read.sql',
    'functions/listing_shown.sql',
    'views/first_hold.sql',
  ]);
}
