import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { newId } from '../ids.ts';
import type { SourcesContext } from './context.ts';
import { isBeingRead } from './source-lock.ts';
import { findSource, sourceNotFound } from './source-row.ts';
import { viewSources, type SourceView } from './view-source.ts';

/** Whether a merchant's sources are read by the clock, and how each stands. */
export type SyncStatus = {
  readonly running: boolean;
  /** Of sources without an interval of their own; null: as the settings say. */
  readonly intervalSeconds: number | null;
  readonly stoppedAt: string | null;
  readonly sources: readonly SourceView[];
};

/** A source whose time has come. */
export type DueSource = {
  readonly merchantId: string;
  readonly sourceId: string;
  /** The run that was asked for; null: it is due by the clock. */
  readonly requestedRun: string | null;
};

/**
 * Asks for a run of one source, or of all that are enabled; workers take it up at once, or when
 * the source wants to be asked again. A run that was asked for before and has not begun is the same
 * one. Refusals: SOURCE.NOT_FOUND, SOURCE.DISABLED.
 */
export async function requestRun(
  db: Db,
  merchantId: string,
  sourceId: string | undefined,
): Promise<Result<{ readonly runId: string }>> {
  if (sourceId !== undefined) {
    const row = await findSource(db, merchantId, sourceId);
    if (row === undefined) return refused(sourceNotFound(sourceId));
    if (!row.enabled) return refused(refuse('SOURCE.DISABLED', 'The source is disabled.'));
  }
  const runId = newId('run');
  let query = db
    .updateTable('source as s')
    .set({
      requested_run: sql<string>`case when ${isWaiting} then s.requested_run
      else ${runId} end`,
    })
    .where('s.merchant_id', '=', merchantId)
    .where('s.enabled', '=', true)
    .returning('s.requested_run');
  if (sourceId === undefined) query = query.where(isReadByTheClock('s'));
  if (sourceId !== undefined) query = query.where('s.source_id', '=', sourceId);
  const runs = (await query.execute()).map((row) => row.requested_run);
  // Where each of them waits already, one of their runs is the answer.
  return ok({ runId: runs.includes(runId) ? runId : (runs[0] ?? runId) });
}

/** In SQL: whether the run that was asked for of a source, `s` being its table, has not begun. */
const isWaiting = sql<boolean>`(s.requested_run is not null and not exists (
  select from source_run r
  where r.merchant_id = s.merchant_id and r.source_id = s.source_id
    and r.run_id = s.requested_run))`;

/** In SQL: whether a source may be asked: it does not want to be left alone (Retry-After). */
const isOpen = sql<boolean>`(s.blocked_until is null or s.blocked_until <= clock_timestamp())`;

/**
 * Has a merchant's sources read by the clock again.
 * @param intervalSeconds between two runs of a source without an interval of its own; undefined:
 *   as before
 */
export async function startSync(
  db: Db,
  merchantId: string,
  intervalSeconds: number | undefined,
): Promise<void> {
  await sql`
    insert into source_schedule as s (merchant_id, stopped_at, interval_seconds)
    values (${merchantId}, null, ${intervalSeconds ?? null})
    on conflict (merchant_id) do update
      set stopped_at = null,
          interval_seconds = coalesce(excluded.interval_seconds, s.interval_seconds)
  `.execute(db);
  if (intervalSeconds === undefined) return;
  await sql`
    update source
    set next_run_at = least(next_run_at, clock_timestamp() + ${intervalSeconds}
      * interval '1 second')
    where merchant_id = ${merchantId} and interval_minutes is null`.execute(db);
}

/** Reads no more by the clock; runs that are under way by it end with their page. */
export async function stopSync(db: Db, merchantId: string): Promise<void> {
  await sql`
    insert into source_schedule as s (merchant_id, stopped_at) values (${merchantId}, now())
    on conflict (merchant_id) do update set stopped_at = coalesce(s.stopped_at, now())
  `.execute(db);
}

export async function syncStatus(context: SourcesContext, merchantId: string): Promise<SyncStatus> {
  const schedule = await context.db
    .selectFrom('source_schedule')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  const stoppedAt = schedule?.stopped_at ?? null;
  return {
    running: stoppedAt === null,
    intervalSeconds: schedule?.interval_seconds ?? null,
    stoppedAt: stoppedAt?.toISOString() ?? null,
    sources: await viewSources(context, merchantId, { limit: 1_000 }),
  };
}

/** Not so where it is asked on demand: such a source is read only when it alone is named. */
function isReadByTheClock(table: string) {
  return sql<boolean>`not ${sql.ref(`${table}.config`)} @> '{"onDemand": true}'`;
}

/** Sources to be read now that nobody reads, those that were asked for first, at most `limit`. */
export async function dueSources(db: Db, limit: number): Promise<readonly DueSource[]> {
  const { rows } = await sql<{
    merchant_id: string;
    source_id: string;
    requested_run: string | null;
  }>`
    select s.merchant_id, s.source_id, s.requested_run
    from source s
    left join source_schedule w on w.merchant_id = s.merchant_id
    where s.enabled and ${isOpen} and (s.requested_run is not null
      or (s.next_run_at <= clock_timestamp() and w.stopped_at is null and ${isReadByTheClock('s')}))
      and not ${isBeingRead}
    order by s.requested_run is null, s.next_run_at
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    sourceId: row.source_id,
    requestedRun: row.requested_run,
  }));
}

/** How a source is to be run now; undefined when it is not due any more. */
export async function planOfDueSource(
  db: Db,
  { merchantId, sourceId }: Pick<DueSource, 'merchantId' | 'sourceId'>,
): Promise<{ readonly runId: string; readonly trigger: 'schedule' | 'request' } | undefined> {
  const { rows } = await sql<{ requested_run: string | null; is_due: boolean }>`
    select s.requested_run, s.next_run_at <= clock_timestamp() and w.stopped_at is null
      and ${isReadByTheClock('s')} as is_due
    from source s
    left join source_schedule w on w.merchant_id = s.merchant_id
    where s.merchant_id = ${merchantId} and s.source_id = ${sourceId} and s.enabled
      and ${isOpen}`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  // The request stays until its run has ended: one that is killed is taken up again.
  if (row.requested_run !== null) return { runId: row.requested_run, trigger: 'request' };
  return row.is_due ? { runId: newId('run'), trigger: 'schedule' } : undefined;
}
