import type { PageRequest } from '../page.ts';
import type { SourcesContext } from './context.ts';
import { intervalSecondsOf } from './next-run.ts';
import { claimsOf, type Claim } from './ownership.ts';
import { lastRuns, type RunView } from './runs.ts';
import { batchSizeOf, guardsOf, type SourceRow } from './source-row.ts';
import type { Guards, SourceMode } from './tables.ts';

/** A source as the API shows it: without credentials. */
export type SourceView = {
  readonly sourceId: string;
  readonly kind: string;
  readonly mode: SourceMode;
  readonly config: unknown;
  readonly hasCredentials: boolean;
  readonly owns: readonly Claim[];
  readonly intervalMinutes: number;
  readonly batchSize: number;
  readonly guards: Guards;
  readonly enabled: boolean;
  /** In the source's own words; null: it was never read. */
  readonly watermark: string | null;
  /** When the full read began that is on its way. */
  readonly snapshotSince: string | null;
  readonly blockedUntil: string | null;
  readonly lastRun: RunView | null;
  /** Null: it is not read by the clock. */
  readonly nextRunAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** Sources by id: one, or at most `limit` after `after`. */
export async function viewSources(
  context: SourcesContext,
  merchantId: string,
  which: { readonly sourceId: string } | PageRequest,
): Promise<readonly SourceView[]> {
  const { db } = context;
  let query = db
    .selectFrom('source')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .orderBy('source_id');
  if ('sourceId' in which) query = query.where('source_id', '=', which.sourceId);
  else {
    query = query.limit(which.limit);
    if (which.after !== undefined) query = query.where('source_id', '>', which.after);
  }
  const rows = await query.execute();
  const ids = rows.map((row) => row.source_id);
  const claims = await claimsOf(db, merchantId, ids);
  const runs = await lastRuns(db, merchantId, ids);
  const schedule = await db
    .selectFrom('source_schedule')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  return rows.map((row) =>
    viewSource(context, row, {
      owns: claims.get(row.source_id) ?? [],
      lastRun: runs.get(row.source_id) ?? null,
      isStopped: (schedule?.stopped_at ?? null) !== null,
      merchantSeconds: schedule?.interval_seconds ?? null,
    }),
  );
}

function isOnDemand(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'onDemand' in config
    ? config.onDemand === true
    : false;
}

function viewSource(
  { kinds, settings }: SourcesContext,
  row: SourceRow,
  more: {
    readonly owns: readonly Claim[];
    readonly lastRun: RunView | null;
    readonly isStopped: boolean;
    readonly merchantSeconds: number | null;
  },
): SourceView {
  const kind = kinds.get(row.kind);
  return {
    sourceId: row.source_id,
    kind: row.kind,
    mode: row.mode,
    config: row.config,
    hasCredentials: row.credentials !== null,
    owns: more.owns,
    intervalMinutes: intervalSecondsOf(row, more.merchantSeconds, settings) / 60,
    batchSize: batchSizeOf(row, kind, settings),
    guards: guardsOf(row, kind),
    enabled: row.enabled,
    watermark: row.watermark,
    snapshotSince: row.snapshot?.startedAt ?? null,
    blockedUntil: row.blocked_until?.toISOString() ?? null,
    lastRun: more.lastRun,
    nextRunAt:
      row.enabled && !more.isStopped && !isOnDemand(row.config)
        ? row.next_run_at.toISOString()
        : null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
