import type { Db } from '../db/index.ts';

/** How many messages the relay has not taken yet, over all merchants. */
export async function countMessages(db: Db): Promise<number> {
  const row = await db
    .selectFrom('outbox_message')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return row.count;
}
