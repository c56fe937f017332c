import { sql } from 'kysely';
import { whileLocked, type Db } from '../db/index.ts';
import type { SourceName } from './write-page.ts';

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
 * another one is at it. It is courtesy; what keeps pages apart is the source's revision.
 */
export async function whileSourceLocked<T>(
  db: Db,
  { merchantId, sourceId }: SourceName,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return await whileLocked(db, `${lockPrefix}${merchantId} ${sourceId}`, work);
}
