import { whileLocked, type Db } from '../db/index.ts';

/**
 * Does `work` while this process is the only one to do so for the merchant, or returns undefined
 * where another one is at it.
 */
export async function whileAlone<T>(
  db: Db,
  merchantId: string,
  what: 'recompute' | 'follow',
  work: () => Promise<T>,
): Promise<T | undefined> {
  return await whileLocked(db, `safety-stock ${what} ${merchantId}`, work);
}
