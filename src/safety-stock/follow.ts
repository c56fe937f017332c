import { levelsChangedAfter, merchantsChangedAfter } from '../stock/index.ts';
import type { BuffersContext } from './context.ts';
import { followedMerchants } from './due.ts';
import { keepPlaces, keptReason } from './keep-levels.ts';
import { whileAlone } from './run-lock.ts';

/** Entries that are looked at together. */
const mostEntries = 1_000;

/**
 * Lets safety stock follow what has happened since the last look: a percentage follows what is on
 * hand, and what could not be kept for want of stock is kept once there is some. A level is judged
 * once however often it has changed. Entries that were committed late can be missed here; the next
 * run through all levels finds them.
 * @returns how many levels were changed
 */
export async function followChanges(context: BuffersContext, signal: AbortSignal): Promise<number> {
  let changed = 0;
  const merchants = await followedMerchants(context);
  const behind = await merchantsChangedAfter(
    context.db,
    merchants.flatMap(({ merchantId, followed: entryId }) =>
      entryId === null ? [] : { merchantId, entryId },
    ),
  );
  for (const { merchantId, followed } of merchants) {
    if (signal.aborted) break;
    if (followed !== null && !behind.has(merchantId)) continue;
    const done = await whileAlone(context.db, merchantId, 'follow', () =>
      followOne(context, merchantId, signal),
    );
    changed += done ?? 0;
  }
  return changed;
}

async function followOne(
  context: BuffersContext,
  merchantId: string,
  signal: AbortSignal,
): Promise<number> {
  const { db } = context;
  let followed = await readFollowed(context, merchantId);
  let changed = 0;
  while (!signal.aborted) {
    const options = { reason: keptReason, limit: mostEntries };
    const found = await levelsChangedAfter(db, merchantId, followed, options);
    if (found.entryId === followed) break;
    changed += await keepPlaces(context, merchantId, found.places);
    const isFirst = followed === null;
    followed = found.entryId;
    await db
      .updateTable('safety_run')
      .set({ followed })
      .where('merchant_id', '=', merchantId)
      .execute();
    if (isFirst) break;
  }
  return changed;
}

/** Read again behind the lock: another process may have gone on. */
async function readFollowed({ db }: BuffersContext, merchantId: string): Promise<number | null> {
  const row = await db
    .selectFrom('safety_run')
    .select('followed')
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  return row?.followed ?? null;
}
