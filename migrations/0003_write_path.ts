import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** The functions that write: one call commits a batch. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, [
    'functions/expired_holds.sql',
    'functions/holds_at.sql',
    'types/stock_commit_rows.sql',
    'functions/stock_commit_reservations.sql',
    'functions/stock_commit.sql',
  ]);
}
