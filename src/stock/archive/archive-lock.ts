import { sql } from 'kysely';
import type { Db } from '../../db/index.ts';
import { UsageError } from '../../errors.ts';

/**
 * Does `work` while nobody else archives: two would write the same files. Throws a UsageError when
 * somebody does.
 */
export async function withArchiveLock<T>(db: Db, work: () => Promise<T>): Promise<T> {
  const name = sql`hashtextextended('onhand ledger archive', 0)`;
  return await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ locked: boolean }>`
      select pg_try_advisory_lock(${name}) as locked`.execute(connection);
    if (rows[0]?.locked !== true) {
      throw new UsageError('The ledger is being archived already, or was a moment ago.');
    }
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${name})`.execute(connection).catch(() => undefined);
    }
  });
}
