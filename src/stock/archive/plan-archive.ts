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

export type PlannedMonth = {
  readonly partition: LedgerPartition;
  readonly entries: number;
  /** Why it cannot be archived now; null: it can. */
  readonly obstacle: string | null;
};

/** What an archive of a month would do. */
export async function planMonth(db: Db, partition: LedgerPartition): Promise<PlannedMonth> {
  const { rows } = await sql<{ entries: number }>`
    select count(*) as entries from ${sql.table(partition.name)}`.execute(db);
  const refusal = await whyNot(db, partition);
  return { partition, entries: rows[0]?.entries ?? 0, obstacle: refusal?.detail ?? null };
}
