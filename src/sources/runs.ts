import { sql, type Selectable } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { countNames } from './counts.ts';
import type { RunCounts, RunStatus, RunTrigger, SourceRunTable } from './tables.ts';
import type { SourceName } from './write-page.ts';

/** A run as the API shows it. */
export type RunView = RunCounts & {
  readonly runId: string;
  readonly sourceId: string;
  readonly trigger: RunTrigger;
  readonly status: RunStatus;
  /** Why it failed; null when it did not. */
  readonly code: string | null;
  readonly pages: number;
  readonly startedAt: string;
  readonly finishedAt: string | null;
};

type RunRow = Selectable<SourceRunTable>;

export function viewRun(row: RunRow): RunView {
  const counts = Object.fromEntries(countNames.map((name) => [name, row[name]])) as RunCounts;
  return {
    runId: row.run_id,
    sourceId: row.source_id,
    trigger: row.trigger,
    status: row.status,
    code: row.code,
    pages: row.pages,
    ...counts,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Opens a run; one of the same name goes on, as after a crash. */
export async function beginRun(
  db: Db,
  { merchantId, sourceId }: SourceName,
  runId: string,
  trigger: RunTrigger,
): Promise<void> {
  await sql`
    insert into source_run (merchant_id, source_id, run_id, trigger, status, started_at)
    values (${merchantId}, ${sourceId}, ${runId}, ${trigger}, 'running', clock_timestamp())
    on conflict (merchant_id, source_id, run_id) do update
      set status = 'running', finished_at = null, code = null`.execute(db);
}

/** Whoever holds the source's lock knows that no other run of it is alive. */
export async function closeForgottenRuns(
  db: Db,
  { merchantId, sourceId }: SourceName,
): Promise<void> {
  await sql`
    update source_run set status = 'interrupted', finished_at = clock_timestamp()
    where merchant_id = ${merchantId} and source_id = ${sourceId} and status = 'running'
      and trigger <> 'push'`.execute(db);
}

export async function finishRun(
  db: Db,
  { merchantId, sourceId }: SourceName,
  runId: string,
  end: { readonly status: RunStatus; readonly code: string | null },
): Promise<RunView> {
  const row = await db
    .updateTable('source_run')
    .set({ status: end.status, code: end.code, finished_at: sql<Date>`clock_timestamp()` })
    .where('merchant_id', '=', merchantId)
    .where('source_id', '=', sourceId)
    .where('run_id', '=', runId)
    .returningAll()
    .executeTakeFirstOrThrow();
  return viewRun(row);
}

/** The newest run of each source that has one. */
export async function lastRuns(
  db: Db,
  merchantId: string,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, RunView>> {
  if (sourceIds.length === 0) return new Map();
  const { rows } = await sql<RunRow>`
    select r.* from unnest(${[...sourceIds]}::text[]) as u(source_id)
    cross join lateral (
      select * from source_run r
      where r.merchant_id = ${merchantId} and r.source_id = u.source_id
      order by r.run_id desc limit 1) r`.execute(db);
  return new Map(rows.map((row) => [row.source_id, viewRun(row)]));
}

/** Runs, newest first, at most `limit` after `after`. */
export async function listRuns(
  db: Db,
  filter: PageRequest<{ readonly runId: string; readonly sourceId: string }> & {
    readonly merchantId: string;
    readonly sourceId?: string | undefined;
    readonly runId?: string | undefined;
  },
): Promise<PageOf<RunView, { runId: string; sourceId: string }>> {
  const { merchantId, sourceId, runId, after, limit } = filter;
  let query = db
    .selectFrom('source_run')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .orderBy('run_id', 'desc')
    .orderBy('source_id', 'desc')
    .limit(limit + 1);
  if (sourceId !== undefined) query = query.where('source_id', '=', sourceId);
  if (runId !== undefined) query = query.where('run_id', '=', runId);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(run_id, source_id) < (${after.runId}, ${after.sourceId})`);
  }
  const page = pageOf(await query.execute(), limit, (row) => {
    return { runId: row.run_id, sourceId: row.source_id };
  });
  return { ...page, items: page.items.map(viewRun) };
}

/** Deletes finished runs that are older, at most `limit` of them, and returns how many. */
export async function pruneRuns(db: Db, keepDays: number, limit: number): Promise<number> {
  const { rows } = await sql`
    delete from source_run where ctid in (
      select ctid from source_run
      where finished_at < clock_timestamp() - ${keepDays} * interval '1 day' limit ${limit})
    returning run_id`.execute(db);
  return rows.length;
}
