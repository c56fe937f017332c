import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/** Months that are made before their time: entries find them even when no worker runs for weeks. */
const monthsAhead = 2;

/** A part of the ledger: the entries that were recorded in a month, by UTC. */
export type LedgerPartition = {
  readonly name: string;
  /** Null: everything before. */
  readonly from: Date | null;
  readonly to: Date;
};

/**
 * Makes the ledger's partitions of this month and the next ones, where they are missing. Gives up
 * after a second when the ledger is in use: there is time until next month, and what is recorded
 * without a partition is kept and found all the same.
 * @returns how many were made
 */
export async function makeLedgerPartitions(db: Db, offsetMs: number): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = '1s'`.execute(tx);
    const at = sql`clock_timestamp() + ${offsetMs} * interval '1 millisecond'`;
    const { rows } = await sql<{ made: number }>`
      select ledger_make_partitions(${at}, ${monthsAhead}) as made`.execute(tx);
    return rows[0]?.made ?? 0;
  });
}

/** Every month of the ledger, oldest first. */
export async function listPartitions(db: Db): Promise<readonly LedgerPartition[]> {
  const { rows } = await sql<{ name: string; from_at: Date | null; to_at: Date }>`
    select name, nullif(from_at, '-infinity') as from_at, to_at
    from ledger_partitions()`.execute(db);
  return rows.map(({ name, from_at, to_at }) => ({ name, from: from_at, to: to_at }));
}

/** Entries that were recorded before a time and have no month of their own get one. */
export async function sortIntoMonths(db: Db, before: Date): Promise<void> {
  await sql`
    select ledger_make_partition(month) from (
      select distinct date_trunc('month', recorded_at, 'UTC') as month
      from ledger_entry_other where recorded_at < ${before}) m`.execute(db);
}
