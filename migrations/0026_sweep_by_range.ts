import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * A page of a sweep costs the same wherever it lies, and reads listings from end to end. What is
 * due again goes on in few jobs, also where 0025 was applied before it did.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // It takes one thing more; what is left out has a default, for processes of the version before.
  await sql`
    drop function if exists listing_record(
      text, text, timestamptz, uuid[], text[], text[], bigint[], integer[], integer[], text[],
      boolean[], text[], uuid[], integer[], timestamptz[], integer[])`.execute(db);
  await loadSql(db, [
    'functions/listing_mark.sql',
    'functions/listing_record.sql',
    'functions/listing_sweep.sql',
  ]);
}
