import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import { applyPage } from './apply-page.ts';
import { noCounts, addCounts } from './counts.ts';
import { readKept } from './source.ts';
import type { RunCounts } from './tables.ts';
import type { SourceName } from './write-page.ts';

/** So few SKUs may always fall to zero together. */
const fewSkus = 2;

export type SettleInput = SourceName & {
  readonly runId: string;
  /** Only what this run has parked: a push does not settle for a read that is on its way. */
  readonly onlyThisRun: boolean;
  readonly massZeroPercent: number;
  readonly batchSize: number;
  readonly readAt: Date;
};

export type Settled = { readonly counts: RunCounts; readonly fresh: number };

/**
 * Decides on the falls to zero of a run, at its end and all together: they are applied, or when
 * they are more than the share of the source's SKUs that may fall at once, none is and they wait
 * for somebody's approval.
 */
export async function settleZeros(
  db: Db,
  options: TogetherOptions,
  input: SettleInput,
): Promise<Settled> {
  const { falling, all } = await countFalling(db, input);
  if (falling > fewSkus && falling * 100 > input.massZeroPercent * all) {
    const quarantined = await quarantineParked(db, input);
    return { counts: { ...noCounts, quarantined }, fresh: quarantined };
  }
  let counts = noCounts;
  for (;;) {
    const parked = falling === 0 ? [] : await readParked(db, input);
    if (parked.length === 0) return { counts, fresh: 0 };
    const items = readKept(parked.map(({ item }) => item));
    const page = await applyPage(options, {
      ...input,
      token: randomUUID(),
      items,
      unreadable: [],
      guards: null,
      deduplicate: true,
      origin: 'approved',
      async also(client) {
        await client.query(
          `delete from source_quarantine
           where merchant_id = $1 and quarantine_id = any ($2::text[]) and status = 'parked'`,
          [input.merchantId, parked.map((row) => row.quarantine_id)],
        );
      },
    });
    const { applied, unchanged, stale, held, refused } = page.counts;
    counts = addCounts(counts, { ...noCounts, applied, unchanged, stale, held, refused });
  }
}

function scope({ merchantId, sourceId, runId, onlyThisRun }: SettleInput) {
  return sql`merchant_id = ${merchantId} and source_id = ${sourceId} and status = 'parked'
    and (${!onlyThisRun} or run_id = ${runId})`;
}

/** SKUs that fall to zero, and those that have something now according to the source. */
async function countFalling(
  db: Db,
  input: SettleInput,
): Promise<{ readonly falling: number; readonly all: number }> {
  const falling = await sql<{ count: number }>`
    select count(distinct sku)::integer as count from source_quarantine where ${scope(input)}
  `.execute(db);
  const count = falling.rows[0]?.count ?? 0;
  if (count <= fewSkus) return { falling: count, all: count };
  const all = await sql<{ count: number }>`
    select count(*)::integer as count from (
      select sku from source_figure
      where merchant_id = ${input.merchantId} and source_id = ${input.sourceId} and value > 0
      union
      select sku from source_quarantine where ${scope(input)}) s`.execute(db);
  return { falling: count, all: all.rows[0]?.count ?? 0 };
}

async function readParked(
  db: Db,
  input: SettleInput,
): Promise<readonly { quarantine_id: string; item: unknown }[]> {
  const { rows } = await sql<{ quarantine_id: string; item: unknown }>`
    select quarantine_id, item from source_quarantine where ${scope(input)}
    order by sku, location_id, quantity limit ${input.batchSize}`.execute(db);
  return rows;
}

async function quarantineParked(db: Db, input: SettleInput): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      update source_quarantine set status = 'pending', run_id = ${input.runId}
      where ${scope(input)} returning quarantine_id`.execute(tx);
    await sql`
      update source_run set quarantined = quarantined + ${rows.length}
      where merchant_id = ${input.merchantId} and source_id = ${input.sourceId}
        and run_id = ${input.runId}`.execute(tx);
    return rows.length;
  });
}
