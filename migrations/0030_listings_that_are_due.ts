import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * A sweep finds the listings that are to be told again, as those are that got other ids. What is
 * recorded says which listings are dead now. Locks are taken in one order, whatever the database's
 * locale.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, [
    'functions/listing_mark.sql',
    'functions/listing_move.sql',
    'functions/listing_record.sql',
    'functions/listing_sweep.sql',
  ]);
}
