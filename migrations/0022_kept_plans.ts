import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What is asked for each delivery is planned once for each session; reads look up one hold. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, [
    'functions/delivery_read.sql',
    'functions/holds_at.sql',
    'types/stock_commit_rows.sql',
    // 0021 did not bring it when it was new.
    'functions/stock_commit_reservations.sql',
  ]);
}
