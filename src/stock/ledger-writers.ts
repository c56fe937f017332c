import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/** A commit takes milliseconds, a page of a source up to a second. */
const longestMs = 5_000;
const pollMs = 10;

/**
 * Up to which entry a merchant's ledger can be read by number without passing over one that is
 * committed later: numbers are drawn before the commit, by several writers at once. Who may have
 * drawn a lower one and is still writing is waited for, 5 s at most. Undefined: there is no entry.
 */
export async function settledUpTo(db: Db, merchantId: string): Promise<number | undefined> {
  const deadline = performance.now() + longestMs;
  const first = await look(db, merchantId);
  let writing = first.writing;
  while (writing.length > 0 && performance.now() < deadline) {
    await setTimeout(pollMs);
    const now = new Set((await look(db, merchantId)).writing);
    writing = writing.filter((transaction) => now.has(transaction));
  }
  return first.newest ?? undefined;
}

type Look = {
  readonly newest: number | null;
  /** Transactions that have begun to write to the ledger. */
  readonly writing: readonly string[];
};

/* The locks are looked at after the snapshot: who ended between the two has committed by then. */
async function look(db: Db, merchantId: string): Promise<Look> {
  const { rows } = await sql<Look>`
    select (select max(entry_id) from ledger_entry where merchant_id = ${merchantId}) as newest,
      array(
        select virtualtransaction from pg_locks
        where locktype = 'relation' and relation = 'ledger_entry'::regclass
          and mode = 'RowExclusiveLock' and granted and pid <> pg_backend_pid()
          and database = (select oid from pg_database where datname = current_database())
      ) as writing`.execute(db);
  return rows[0] ?? { newest: null, writing: [] };
}
