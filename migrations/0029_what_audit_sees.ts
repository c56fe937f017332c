import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * What was sold without an order goes to one order. Audit sees a hold that was granted twice also
 * where others ended before, and a level that is gone also where all its entries are archived.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, [
    'functions/stock_commit_reservations.sql',
    'views/no_oversell.sql',
    'views/ledger_is_the_truth.sql',
  ]);
}
