import { sql } from 'kysely';
import type { SourcesContext } from './context.ts';
import type { SourceRow } from './source-row.ts';
import type { RunStatus } from './tables.ts';

/** A run that failed is tried again after so long, or at its interval when that is shorter. */
const afterFailureSeconds = 60;

/** Seconds between two runs of a source: its own, else its merchant's, else the settings'. */
export function intervalSecondsOf(
  row: Pick<SourceRow, 'interval_minutes'>,
  merchantSeconds: number | null,
  settings: SourcesContext['settings'],
): number {
  if (row.interval_minutes !== null) return row.interval_minutes * 60;
  return merchantSeconds ?? settings.intervalMinutes * 60;
}

/** A run has ended: writes down when the source is read next, and how long it is left alone. */
export async function planNextRun(
  { db, settings }: SourcesContext,
  row: SourceRow,
  end: {
    readonly runId: string;
    readonly status: RunStatus;
    readonly retryAfterMs?: number | undefined;
  },
): Promise<void> {
  const schedule = await db
    .selectFrom('source_schedule')
    .select('interval_seconds')
    .where('merchant_id', '=', row.merchant_id)
    .executeTakeFirst();
  const interval = intervalSecondsOf(row, schedule?.interval_seconds ?? null, settings);
  const seconds =
    end.status === 'succeeded' || end.status === 'stopped'
      ? interval
      : Math.min(interval, afterFailureSeconds);
  const blockedSeconds = end.retryAfterMs === undefined ? null : end.retryAfterMs / 1000;
  await sql`
    update source
    set requested_run = nullif(requested_run, ${end.runId}),
        next_run_at = clock_timestamp()
          + greatest(${seconds}, coalesce(${blockedSeconds}::double precision, 0))
            * interval '1 second',
        blocked_until = clock_timestamp() + ${blockedSeconds} * interval '1 second'
    where merchant_id = ${row.merchant_id} and source_id = ${row.source_id}`.execute(db);
}
