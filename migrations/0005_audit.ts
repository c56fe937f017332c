import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * The auditor's read face. A view's comment begins with `violation:` when each of its rows is a
 * fault, and with `information:` otherwise; `onhand audit verify` finds the violations by it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema audit`.execute(db);
  await sql`
    comment on schema audit is
      'What an auditor reads; onhand audit verify runs every violation view'`.execute(db);
  await loadSql(db, [
    'views/exactly_once.sql',
    'views/atomic_outbox.sql',
    'views/reservations_end.sql',
  ]);
}
