import { type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** A page of a sweep costs the same wherever it lies, and reads listings from end to end. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, ['functions/listing_sweep.sql']);
}
