import { sql } from 'kysely';
import type { ReconciliationContext } from './context.ts';
import { movePart, readPart, type PartName } from './part.ts';

/** The audit views that hold the ledger against the levels: each row is a violation. */
const views = [
  'ledger_sum_differs',
  'ledger_balance_broken',
  'ledger_without_level',
  'version_not_contiguous',
  'version_differs',
] as const;

/** Counts what the ledger's audit views show of the merchant, and ends the part of the run. */
export async function workLedgerPart({ db }: ReconciliationContext, name: PartName): Promise<void> {
  const part = await readPart(db, name);
  if (part === undefined || part.status !== 'reading') return;
  const counts: Record<string, number> = {};
  for (const view of views) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from audit.${sql.ref(view)}
      where merchant_id = ${name.merchant_id}`.execute(db);
    counts[view] = rows[0]?.count ?? 0;
  }
  await db.transaction().execute(async (tx) => {
    await sql`
      update reconciliation set ledger = ${JSON.stringify(counts)}::jsonb
      where merchant_id = ${name.merchant_id}
        and reconciliation_id = ${name.reconciliation_id}`.execute(tx);
    await movePart(tx, part, { status: 'finished' });
  });
}
