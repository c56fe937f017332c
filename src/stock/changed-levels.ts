import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

export type ChangedLevels = {
  readonly places: readonly { readonly sku: string; readonly storeId: string }[];
  /** Where the next look begins. */
  readonly entryId: number;
};

type EntryRow = { entry_id: number; sku: string; location_id: string; reason: string | null };

/**
 * Levels that were changed by ledger entries after `entryId`, for other reasons than `reason`, out
 * of at most `limit` entries. Entries are numbered before they are committed: one that is committed
 * late can be missed, so whoever needs all of them has to look at the levels as well.
 * @param entryId null: nothing is looked for, and the answer is where to begin
 */
export async function levelsChangedAfter(
  db: Db,
  merchantId: string,
  entryId: number | null,
  options: { readonly reason: string; readonly limit: number },
): Promise<ChangedLevels> {
  if (entryId === null) {
    const { rows } = await sql<{ entry_id: number }>`
      select coalesce(max(entry_id), 0) as entry_id from ledger_entry
      where merchant_id = ${merchantId}`.execute(db);
    return { places: [], entryId: rows[0]?.entry_id ?? 0 };
  }
  const { rows } = await sql<EntryRow>`
    select entry_id, sku, location_id, reason from ledger_entry
    where merchant_id = ${merchantId} and entry_id > ${entryId}
    order by entry_id limit ${options.limit}`.execute(db);
  const others = rows.filter(({ reason }) => reason !== options.reason);
  const places = new Map(
    others.map((row) => [
      JSON.stringify([row.sku, row.location_id]),
      { sku: row.sku, storeId: row.location_id },
    ]),
  );
  return { places: [...places.values()], entryId: rows.at(-1)?.entry_id ?? entryId };
}

/** Of these merchants those that have ledger entries after the one that is named for each. */
export async function merchantsChangedAfter(
  db: Db,
  seen: readonly { readonly merchantId: string; readonly entryId: number }[],
): Promise<ReadonlySet<string>> {
  if (seen.length === 0) return new Set();
  const { rows } = await sql<{ merchant_id: string }>`
    select u.merchant_id
    from unnest(${seen.map(({ merchantId }) => merchantId)}::text[],
                ${seen.map(({ entryId }) => entryId)}::bigint[]) as u(merchant_id, entry_id)
    cross join lateral (
      select e.entry_id from ledger_entry e
      where e.merchant_id = u.merchant_id and e.entry_id > u.entry_id
      order by e.entry_id limit 1) e`.execute(db);
  return new Set(rows.map((row) => row.merchant_id));
}
