import { sql } from 'kysely';
import type { Db } from '../../db/index.ts';
import { listPartitions, sortIntoMonths, type LedgerPartition } from '../partitions.ts';
import { whyNot } from './archive-month.ts';

/** So much of the ledger always stays, for whoever counts the sales of a month. */
const keepDays = 31;

/** Months of the ledger that end by a time and have been over for a month, oldest first. */
export async function archivablePartitions(
  db: Db,
  before: Date,
  offsetMs: number,
): Promise<readonly LedgerPartition[]> {
  const { rows } = await sql<{ latest: Date }>`
    select clock_timestamp() + ${offsetMs} * interval '1 millisecond'
      - ${keepDays} * interval '1 day' as latest`.execute(db);
  const latest = rows[0]?.latest ?? new Date(0);
  await sortIntoMonths(db, before < latest ? before : latest);
  const partitions = await listPartitions(db);
  return partitions.filter(({ to }) => to <= before && to <= latest);
}

/** How many entries a month has. */
export async function countEntries(db: Db, { name }: LedgerPartition): Promise<number> {
  const { rows } = await sql<{ entries: number }>`
    select count(*) as entries from ${sql.table(name)}`.execute(db);
  return rows[0]?.entries ?? 0;
}

/** Why a month could not be archived now, if those before it were; undefined: it could. */
export async function obstacleOf(db: Db, partition: LedgerPartition): Promise<string | undefined> {
  return (await whyNot(db, partition))?.detail;
}
