import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { UsageError } from '../errors.ts';
import type { ReplayTarget } from './order.ts';

/** The session of a run that was killed is gone within moments. */
const waitMs = 10_000;

/**
 * Does `work` while nobody else replays into the same store: two runs would decide orders out of
 * their order. Throws a UsageError when another run goes on.
 */
export async function withReplayLock<T>(
  db: Db,
  { merchantId, storeId }: ReplayTarget,
  work: () => Promise<T>,
): Promise<T> {
  const name = sql`hashtextextended(${JSON.stringify(['onhand replay', merchantId, storeId])}, 0)`;
  return await db.connection().execute(async (connection) => {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const { rows } = await sql<{ locked: boolean }>`
        select pg_try_advisory_lock(${name}) as locked`.execute(connection);
      if (rows[0]?.locked === true) break;
      if (performance.now() > deadline) {
        throw new UsageError(`Another replay into the store ${storeId} is running.`);
      }
      await setTimeout(200);
    }
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${name})`.execute(connection).catch(() => undefined);
    }
  });
}
