import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What lets writers remember levels: the time with each commit. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // What a function returns cannot be replaced.
  await sql`drop function stock_commit`.execute(db);
  await loadSql(db, ['types/stock_commit_rows.sql', 'functions/stock_commit.sql']);
}
