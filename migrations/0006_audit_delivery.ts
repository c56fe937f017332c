import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What an auditor can say about channels: nothing ahead of the stock, nothing left behind. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, ['views/delivery.sql']);
}
