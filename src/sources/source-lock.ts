import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import type { SourceName } from './write-page.ts';

/** Two names that come to the same only wait for each other. */
const lockPrefix = 'source-run ';

/** In SQL: whether the source of a row is being read by anybody, `s` being its table. */
export const isBeingRead = sql<boolean>`exists (
  select from pg_locks l
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and ((l.classid::bigint << 32) | l.objid::bigint)
      = hashtextextended(${lockPrefix}::text || s.merchant_id || ' ' || s.source_id, 0))`;

/**
 * Does `work` while this process is the only one to read the source, or returns undefined where
 * another one is at it. The lock belongs to a session: it ends with the process, however that ends.
 * It is courtesy; what keeps pages apart is the source's revision.
 */
export async function whileLocked<T>(
  db: Db,
  { merchantId, sourceId }: SourceName,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const name = `${lockPrefix}${merchantId} ${sourceId}`;
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
