import { sql, type Selectable } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import type { PartStatus, ReconciliationStatus, ReconciliationTable } from './tables.ts';

export type PartView = {
  readonly channelId: string | null;
  readonly sourceId: string | null;
  /** `confirming`: what differed is looked at again. */
  readonly status: PartStatus;
  /** Why it failed, or what could not be done; null: nothing of the kind. */
  readonly code: string | null;
  readonly compared: number;
  /** Left out because something was on its way. */
  readonly inFlight: number;
  /** Listings that the channel does not have. */
  readonly missing: number;
  readonly drifts: number;
};

export type ReconciliationView = {
  readonly reconciliationId: string;
  readonly trigger: 'schedule' | 'request';
  readonly status: ReconciliationStatus;
  /** Figures that were held against ours. */
  readonly compared: number;
  readonly inFlight: number;
  readonly missing: number;
  readonly drifts: number;
  /** Of these drifts: as they stand now. */
  readonly settled: number;
  readonly pending: number;
  readonly parts: readonly PartView[];
  /** Rows of each audit view that holds the ledger against the levels: all 0 when it adds up. */
  readonly ledger: Readonly<Record<string, number>>;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
};

/** A run as it stands. Refusals: RECONCILIATION.NOT_FOUND. */
export async function getReconciliation(
  db: Db,
  merchantId: string,
  reconciliationId: string,
): Promise<Result<ReconciliationView>> {
  const row = await db
    .selectFrom('reconciliation')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('reconciliation_id', '=', reconciliationId)
    .executeTakeFirst();
  if (row === undefined) {
    const detail = 'There is no such run.';
    return refused(refuse('RECONCILIATION.NOT_FOUND', detail, { reconciliationId }));
  }
  return ok(await viewRun(db, row));
}

async function viewRun(db: Db, row: Selectable<ReconciliationTable>): Promise<ReconciliationView> {
  const { merchant_id: merchantId, reconciliation_id: reconciliationId } = row;
  const parts = await db
    .selectFrom('reconciliation_part')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('reconciliation_id', '=', reconciliationId)
    .orderBy('part_id')
    .execute();
  const { rows } = await sql<{ drifts: number; settled: number; pending: number }>`
    select count(*)::integer as drifts,
      (count(*) filter (where status = 'settled'))::integer as settled,
      (count(*) filter (where status = 'pending'))::integer as pending
    from drift
    where merchant_id = ${merchantId} and reconciliation_id = ${reconciliationId}`.execute(db);
  const { drifts, settled, pending } = rows[0] ?? { drifts: 0, settled: 0, pending: 0 };
  const sum = (name: 'compared' | 'in_flight' | 'missing'): number =>
    parts.reduce((total, part) => total + part[name], 0);
  return {
    reconciliationId,
    trigger: row.trigger,
    status: row.status,
    compared: sum('compared'),
    inFlight: sum('in_flight'),
    missing: sum('missing'),
    drifts,
    settled,
    pending,
    parts: parts
      .filter((part) => part.channel_id !== null || part.source_id !== null)
      .map((part) => ({
        channelId: part.channel_id,
        sourceId: part.source_id,
        status: part.status,
        code: part.code,
        compared: part.compared,
        inFlight: part.in_flight,
        missing: part.missing,
        drifts: part.drifts,
      })),
    ledger: row.ledger,
    requestedAt: row.requested_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Deletes runs that finished so long ago, at most `limit`; what they found stays. */
export async function pruneReconciliations(db: Db, days: number, limit: number): Promise<number> {
  const { rows } = await sql`
    delete from reconciliation where ctid = any (array(
      select ctid from reconciliation
      where finished_at < clock_timestamp() - ${days} * interval '1 day' limit ${limit}))
    returning reconciliation_id`.execute(db);
  return rows.length;
}

/** What reconciliation leaves open, over all merchants. */
export type OpenDrifts = {
  /** Drifts that wait for an approval, and their units in all. */
  readonly pending: number;
  readonly units: number;
  /** When the last run ended, in seconds since 1970; undefined: none did. */
  readonly lastRunAt: number | undefined;
};

export async function measureDrifts(db: Db): Promise<OpenDrifts> {
  const { rows } = await sql<{ pending: number; units: number; last_run: number | null }>`
    select (count(*) filter (where status = 'pending'))::integer as pending,
      coalesce(sum(abs(units)), 0)::bigint as units,
      (select extract(epoch from max(finished_at))::double precision
       from reconciliation) as last_run
    from drift where status in ('pending', 'settling')`.execute(db);
  const row = rows[0];
  return {
    pending: row?.pending ?? 0,
    units: row?.units ?? 0,
    lastRunAt: row?.last_run ?? undefined,
  };
}
