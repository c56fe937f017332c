import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/**
 * Does `work` while this process is the only one to do so for the merchant, or returns undefined
 * where another one is at it. The lock belongs to a session: it ends with the process.
 */
export async function whileAlone<T>(
  db: Db,
  merchantId: string,
  what: 'recompute' | 'follow',
  work: () => Promise<T>,
): Promise<T | undefined> {
  const name = `safety-stock ${what} ${merchantId}`;
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
