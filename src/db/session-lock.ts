import { sql } from 'kysely';
import type { Db } from './database.ts';

/**
 * Does `work` while this process alone holds the lock of that name, or returns undefined where
 * another one holds it. The lock belongs to a session: it ends with the process, however that ends.
 * Two names that come to the same only wait for each other.
 */
export async function whileLocked<T>(
  db: Db,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return await db.connection().execute(async (session) => {
    const { rows } = await sql<{ is_mine: boolean }>`
      select pg_try_advisory_lock(hashtextextended(${name}, 0)) as is_mine`.execute(session);
    if (rows[0]?.is_mine !== true) return undefined;
    try {
      return await work();
    } finally {
      // A broken session has let go already.
      await sql`select pg_advisory_unlock(hashtextextended(${name}, 0))`
        .execute(session)
        .catch(() => undefined);
    }
  });
}
