import { sql } from 'kysely';
import type { Db } from '../../db/index.ts';
import type { LevelKey } from '../level.ts';

/** A month, or everything before one, that was taken out of the ledger. */
export type LedgerArchive = {
  /** Null: everything before. */
  readonly from: Date | null;
  readonly to: Date;
  readonly entries: number;
  readonly file: string;
  readonly bytes: number;
  /** Of the file, in hex. */
  readonly sha256: string;
  /** Of the text in it. */
  readonly csvSha256: string;
  /** `ledger_digest` of the partition. */
  readonly digest: string;
  readonly archivedAt: Date;
  readonly archivedBy: string;
};

type Row = {
  from_at: Date | null;
  to_at: Date;
  entries: number;
  file: string;
  bytes: number;
  sha256: string;
  csv_sha256: string;
  digest: string;
  archived_at: Date;
  archived_by: string;
};

/** Every archive, oldest first. */
export async function listArchives(db: Db): Promise<readonly LedgerArchive[]> {
  const { rows } = await sql<Row>`
    select nullif(from_at, '-infinity') as from_at, to_at, entries, file, bytes, sha256,
      csv_sha256, digest::text as digest, archived_at, archived_by
    from ledger_archive order by to_at`.execute(db);
  return rows.map((row) => ({
    from: row.from_at,
    to: row.to_at,
    entries: row.entries,
    file: row.file,
    bytes: row.bytes,
    sha256: row.sha256,
    csvSha256: row.csv_sha256,
    digest: row.digest,
    archivedAt: row.archived_at,
    archivedBy: row.archived_by,
  }));
}

/** Until when entries are archived, of any merchant; undefined: none are. */
export async function archivedBefore(db: Db): Promise<Date | undefined> {
  const { rows } = await sql<{ to_at: Date | null }>`
    select max(to_at) as to_at from ledger_archive`.execute(db);
  return rows[0]?.to_at ?? undefined;
}

/** When the newest archived entry of a level was recorded; undefined: none is archived. */
export async function levelArchivedUntil(
  db: Db,
  { merchantId, sku, storeId }: LevelKey,
): Promise<Date | undefined> {
  const { rows } = await sql<{ recorded_at: Date }>`
    select recorded_at from ledger_opening
    where merchant_id = ${merchantId} and sku = ${sku} and location_id = ${storeId}`.execute(db);
  return rows[0]?.recorded_at;
}
