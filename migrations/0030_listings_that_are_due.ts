import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * A sweep finds the listings that are to be told again, as those are that got other ids. What is
 * recorded says which listings are dead now.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, ['functions/listing_record.sql', 'functions/listing_sweep.sql']);
}
