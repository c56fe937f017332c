import type { PoolClient } from 'pg';
import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { correctFigures, type Corrected, type Correction } from '../sources/index.ts';
import type { ReconciliationContext } from './context.ts';
import { insertDrifts } from './record-drifts.ts';
import { askedOf, describe, isDrift, type SeenFigure } from './source-drift.ts';

type Row = {
  merchant_id: string;
  drift_id: string;
  source_id: string;
  reconciliation_id: string | null;
  units: number;
  seen: SeenFigure;
};

const limit = 200;

/**
 * Brings quantities to the figures of their owners: one page of the drifts that are to be settled,
 * approved ones among them. One whose figures have changed since it was found is not applied: it is
 * measured anew, and its place is taken by what is found.
 * @returns how many were looked at
 */
export async function settleSourceDrifts(context: ReconciliationContext): Promise<number> {
  const rows = await readSettling(context.db);
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.merchant_id, row.source_id]));
  for (const group of groups.values()) await settleGroup(context, group);
  return rows.length;
}

async function readSettling(db: Db): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select merchant_id, drift_id, source_id, reconciliation_id, units, seen from drift
    where status = 'settling' and source_id is not null and seen is not null
    order by merchant_id, drift_id limit ${limit}`.execute(db);
  return rows;
}

async function settleGroup(context: ReconciliationContext, rows: readonly Row[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const name = { merchantId: first.merchant_id, sourceId: first.source_id };
  const corrections = rows.map((row): Correction => {
    return { ...askedOf(row.seen), driftId: row.drift_id, units: row.units };
  });
  let ended: ReadonlySet<string> = new Set();
  const corrected = await correctFigures(
    context.sources,
    name,
    corrections,
    async (client, found) => {
      ended = await endCorrected(client, name.merchantId, found);
    },
  );
  if (corrected === undefined) {
    await context.db.transaction().execute(async (tx) => {
      await sql`
        update drift
        set status = 'superseded', updated_at = clock_timestamp(),
            settled_at = clock_timestamp()
        where merchant_id = ${name.merchantId} and status = 'settling'
          and drift_id = any (${rows.map((row) => row.drift_id)}::text[])`.execute(tx);
    });
    return;
  }
  // Another process may have been at the same ones.
  const own = corrected.filter(({ driftId }) => ended.has(driftId));
  await measureAnew(context, rows, own);
}

/**
 * In the transaction of the corrections: what is corrected is settled, the rest is out of date.
 * @returns the drifts that this has ended
 */
async function endCorrected(
  client: PoolClient,
  merchantId: string,
  corrected: readonly Corrected[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ drift_id: string }>(
    `update drift d
     set status = u.status, updated_at = clock_timestamp(), settled_at = clock_timestamp()
     from unnest($2::text[], $3::text[]) as u(drift_id, status)
     where d.merchant_id = $1 and d.drift_id = u.drift_id and d.status = 'settling'
     returning d.drift_id`,
    [
      merchantId,
      corrected.map(({ driftId }) => driftId),
      corrected.map(({ kind }) => (kind === 'corrected' ? 'settled' : 'superseded')),
    ],
  );
  return new Set(rows.map((row) => row.drift_id));
}

async function measureAnew(
  context: ReconciliationContext,
  rows: readonly Row[],
  corrected: readonly Corrected[],
): Promise<void> {
  const byId = new Map(rows.map((row) => [row.drift_id, row]));
  for (const { driftId, kind, found } of corrected) {
    const row = byId.get(driftId);
    if (row === undefined || kind !== 'moved' || found === undefined || !isDrift(found)) continue;
    const name = { merchantId: row.merchant_id, sourceId: row.source_id };
    const how = { holdsZeros: true, readAtOf: () => new Date(row.seen.readAt) };
    const drifts = await describe(context, name, [found], how);
    const scope = { ...name, channelId: null, reconciliationId: row.reconciliation_id };
    await context.db.transaction().execute((tx) => insertDrifts(tx, scope, drifts));
  }
}
