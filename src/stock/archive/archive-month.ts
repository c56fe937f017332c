import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Db } from '../../db/index.ts';
import { ok, refuse, refused, sqlStateOf, type Refusal, type Result } from '../../errors.ts';
import type { LedgerPartition } from '../partitions.ts';
import { readArchiveFile, writeArchiveFile, type FileFacts } from './archive-file.ts';
import { entryColumns, readEntriesAsCsv } from './entry-csv.ts';

export type ArchiveOptions = {
  /** Where the file goes; created. */
  readonly folder: string;
  readonly archivedBy: string;
  /** Leave the partition in the schema `archive` instead of dropping it. */
  readonly keep: boolean;
  /** Told of each page; the next one waits for it. */
  readonly onExported?: (entries: number) => void | Promise<void>;
};

/** A partition with what it holds now. */
export type Contents = {
  readonly entries: number;
  readonly first_entry: number | null;
  readonly last_entry: number | null;
  readonly digest: string;
};

/** SQLSTATE of ledger_archive_partition when the partition is not what was exported. */
const changedState = 'OH003';
const lockTimeoutState = '55P03';

/**
 * Takes a month out of the ledger: writes it to a file, reads the file back, carries forward what
 * the levels were, and drops the partition. The last two are one transaction, so that a month is
 * whole in the ledger or whole in its file, wherever this is killed; it can be run again.
 *
 * Refusals, in this order: LEDGER.FAULTY, LEDGER.NEEDED, LEDGER.CHANGED, LEDGER.BUSY.
 */
export async function archiveMonth(
  db: Db,
  partition: LedgerPartition,
  options: ArchiveOptions,
): Promise<Result<FileFacts & { readonly path: string }>> {
  const refusal = await whyNot(db, partition);
  if (refusal !== undefined) return refused(refusal);
  const contents = await contentsOf(db, partition.name);
  await mkdir(options.folder, { recursive: true });
  const path = join(options.folder, `${partition.name}.csv.gz`);
  const text = readEntriesAsCsv(db, partition.name, options.onExported ?? (() => undefined));
  const written = await writeArchiveFile(path, text);
  const facts = { ...written, entries: contents.entries };
  const problem = differenceOf(facts, await readArchiveFile(path));
  if (problem !== undefined) {
    return refused(refuse('LEDGER.CHANGED', `${path} is not what was exported: ${problem}.`));
  }
  await writeManifest(path, partition, contents, facts);
  try {
    await detach(db, partition, contents, { ...facts, path }, options);
  } catch (error) {
    if (sqlStateOf(error) === changedState) {
      return refused(refuse('LEDGER.CHANGED', `${partition.name} has changed meanwhile.`));
    }
    if (sqlStateOf(error) === lockTimeoutState) {
      return refused(refuse('LEDGER.BUSY', 'The ledger was in use all the time.'));
    }
    throw error;
  }
  return ok({ ...facts, path });
}

/** Why a month cannot be archived, or undefined. Refusals: LEDGER.FAULTY, LEDGER.NEEDED. */
export async function whyNot(
  db: Db,
  { name, from, to }: LedgerPartition,
): Promise<Refusal | undefined> {
  const { rows: faults } = await sql<Record<string, string>>`
    select * from ledger_partition_faults(${name},
      coalesce(${from}::timestamptz, '-infinity'))`.execute(db);
  if (faults.length > 0) {
    const detail = `${name} does not add up, and could not be audited any more.`;
    return refuse('LEDGER.FAULTY', detail, { faults });
  }
  const { rows: needs } = await sql<{ need: string; place: string; things: number }>`
    select * from ledger_partition_needs(${name}, ${to})`.execute(db);
  if (needs.length === 0) return undefined;
  const list = needs.map(({ need, place, things }) => `${things} of ${need} ${place}`);
  return refuse('LEDGER.NEEDED', `${name} is still needed by ${list.join(', ')}.`, { needs });
}

/** What a partition, or a table of the schema `archive`, holds. */
export async function contentsOf(db: Db, table: string): Promise<Contents> {
  const { rows } = await sql<Contents>`
    select entries, first_entry, last_entry, digest::text as digest
    from ledger_digest(${table}::regclass)`.execute(db);
  const [contents] = rows;
  if (contents === undefined) throw new Error(`${table} cannot be read`);
  return contents;
}

/** How a file differs from what it should be, or undefined. */
export function differenceOf(expected: FileFacts, found: FileFacts): string | undefined {
  if (found.sha256 !== expected.sha256) return 'the checksum of the file differs';
  if (found.csvSha256 !== expected.csvSha256) return 'the checksum of its text differs';
  if (found.entries === expected.entries) return undefined;
  return `${found.entries} entries instead of ${expected.entries}`;
}

/** What the file is, beside it: enough to check and to read it without the database. */
async function writeManifest(
  path: string,
  { name, from, to }: LedgerPartition,
  { first_entry, last_entry, digest }: Contents,
  facts: FileFacts,
): Promise<void> {
  const manifest = {
    partition: name,
    from,
    to,
    ...facts,
    firstEntry: first_entry,
    lastEntry: last_entry,
    digest,
    columns: entryColumns,
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(path.replace(/\.csv\.gz$/, '.json'), text, { flush: true, mode: 0o600 });
}

async function detach(
  db: Db,
  { name, from, to }: LedgerPartition,
  { digest }: Contents,
  { path, entries, bytes, sha256, csvSha256 }: FileFacts & { readonly path: string },
  { archivedBy, keep }: ArchiveOptions,
): Promise<void> {
  await sql`
    select ledger_archive_partition(${name}, coalesce(${from}::timestamptz, '-infinity'), ${to},
      ${entries}, ${digest}::bigint, ${path}, ${bytes}, ${sha256}, ${csvSha256}, ${archivedBy},
      ${keep})`.execute(db);
}
