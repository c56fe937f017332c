import { sql } from 'kysely';
import type { Db, Tx } from '../../db/index.ts';
import { ok, refuse, refused, type Result } from '../../errors.ts';
import { readArchiveFile, type ArchivedEntry } from './archive-file.ts';
import { contentsOf, differenceOf } from './archive-month.ts';
import type { LedgerArchive } from './archives.ts';

const pageSize = 2_000;

/**
 * Brings an archive back to look at, as a table of the schema `archive`: beside the ledger and not
 * in it. The entries are those that were archived, to the last byte.
 *
 * Refusals, in this order: LEDGER.RESTORED_ALREADY, LEDGER.FILE_DIFFERS.
 * @param path of the file, wherever it lies now
 * @returns the table's name, with its schema
 */
export async function restoreArchive(
  db: Db,
  archive: LedgerArchive,
  path: string,
  onRead: (entries: number) => void = () => undefined,
): Promise<Result<string>> {
  const name = tableOf(archive);
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass(${`archive.${name}`}) is not null as there`.execute(db);
  if (rows[0]?.there === true) {
    return refused(refuse('LEDGER.RESTORED_ALREADY', `There is a table archive.${name} already.`));
  }
  const problem = differenceOf(archive, await readArchiveFile(path));
  if (problem !== undefined) {
    return refused(refuse('LEDGER.FILE_DIFFERS', `${path} is not the archive: ${problem}.`));
  }
  return await db.transaction().execute(async (tx) => {
    const table = sql.id('archive', name);
    await sql`create table ${table} (like ledger_entry)`.execute(tx);
    let page: ArchivedEntry[] = [];
    const flush = async (): Promise<void> => {
      await insertEntries(tx, name, page);
      onRead(page.length);
      page = [];
    };
    await readArchiveFile(path, async (entry) => {
      page.push(entry);
      if (page.length === pageSize) await flush();
    });
    await flush();
    await sql`
      alter table ${table}
      add primary key (merchant_id, sku, location_id, version, quantity)`.execute(tx);
    const { digest } = await contentsOf(tx, `archive.${name}`);
    if (digest !== archive.digest) throw new Error(`archive.${name} is not what was archived`);
    return ok(`archive.${name}`);
  });
}

/** The last part of the file's path says which partition it was. */
function tableOf({ file }: LedgerArchive): string {
  const name = /([a-z0-9_]+)\.csv\.gz$/.exec(file)?.[1];
  if (name === undefined) throw new Error(`${file} is no name of an archive`);
  return name;
}

async function insertEntries(tx: Tx, name: string, entries: ArchivedEntry[]): Promise<void> {
  await sql`
    insert into ${sql.id('archive', name)}
    select * from jsonb_populate_recordset(null::ledger_entry, ${JSON.stringify(entries)}::jsonb)
  `.execute(tx);
}
