import { randomUUID } from 'node:crypto';
import { refuse, refused, ok, type Result } from '../errors.ts';
import { applyPage, SourceMoved } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import { abandonSnapshot, advanceOf, beginSnapshot, gapOf, isEmptySnapshot } from './full-read.ts';
import { replayHeldItems } from './held-items.ts';
import { readPage } from './read-page.ts';
import { beginRun, closeForgottenRuns, finishRun, type RunView } from './runs.ts';
import { whileSourceLocked } from './source-lock.ts';
import {
  batchSizeOf,
  blockedForMs,
  databaseNow,
  findSource,
  guardsOf,
  openCredentials,
  sourceNotFound,
  type SourceRow,
} from './source-row.ts';
import type { OpenSource, SourceKind } from './source.ts';
import { planNextRun } from './next-run.ts';
import { settleZeros } from './settle-zeros.ts';
import type { RunStatus, RunTrigger } from './tables.ts';
import type { SourceName } from './write-page.ts';

export type RunOptions = SourceName & {
  readonly runId: string;
  readonly trigger: Exclude<RunTrigger, 'push'>;
  /** Ends the run after the page it is at. */
  readonly signal: AbortSignal;
  /** Called after each page with the items read in all. */
  readonly onPage?: (read: number) => void;
};

/** A feed that never ends must not keep its falls to zero waiting. */
const longestRunMs = 15 * 60_000;

/** How a run ended, before it is written down. */
type RunEnd = {
  readonly status: RunStatus;
  readonly code: string | null;
  readonly retryAfterMs?: number | undefined;
};

const succeeded: RunEnd = { status: 'succeeded', code: null };

/**
 * Reads a source from its watermark to its end, page by page, each committed with the watermark
 * after it. One run of a source is alive at a time, in all processes together. What goes wrong at
 * the source is the run's status: the watermark stays at the last page that was applied. A source
 * that wants to be left alone is not asked: the run is blocked.
 *
 * Refusals, in this order: SOURCE.NOT_FOUND, SOURCE.RUN_IN_PROGRESS.
 */
export async function runSource(
  context: SourcesContext,
  options: RunOptions,
): Promise<Result<RunView>> {
  const { merchantId, sourceId, runId, trigger } = options;
  const row = await findSource(context.db, merchantId, sourceId);
  if (row === undefined) return refused(sourceNotFound(sourceId));
  const run = await whileSourceLocked(context.db, options, async () => {
    await closeForgottenRuns(context.db, options);
    await beginRun(context.db, options, runId, trigger);
    return await readAndSettle(context, options);
  });
  return run === undefined
    ? refused(refuse('SOURCE.RUN_IN_PROGRESS', 'A run of this source is under way.', { sourceId }))
    : ok(run);
}

async function readAndSettle(context: SourcesContext, options: RunOptions): Promise<RunView> {
  const { db, kinds, events, settings, clock } = context;
  const { merchantId, sourceId, runId } = options;
  const state = { fresh: 0, isEmpty: false };
  let end: RunEnd;
  let row = await findSource(db, merchantId, sourceId);
  const kind = kinds.get(row?.kind ?? '');
  try {
    end = await readAll(context, options, kind, state);
    if (row !== undefined && kind !== undefined) {
      const guards = guardsOf(row, kind);
      const batchSize = batchSizeOf(row, kind, settings);
      const readAt = await databaseNow(db, clock.offsetMs);
      const page = { runId, guards, deduplicate: settings.deduplication, readAt };
      state.fresh += (await replayHeldItems(context, options, page, batchSize)).fresh;
      // Before the end nobody knows how much falls: it waits for the run that comes to it.
      if (end.status === 'succeeded') {
        const settled = await settleZeros(db, context.together, {
          ...page,
          merchantId,
          sourceId,
          isPush: false,
          massZeroPercent: guards.massZeroPercent,
          batchSize,
        });
        state.fresh += settled.fresh;
      }
    }
  } catch (error) {
    if (!(error instanceof SourceMoved)) {
      const failure = { status: 'failed', code: 'internal' } as const;
      await finishRun(db, options, runId, failure);
      if (row !== undefined) await planNextRun(context, row, { runId, ...failure });
      throw error;
    }
    // Somebody deleted or changed it; the next run begins with what it is then.
    end = { status: 'interrupted', code: 'source_changed' };
  }
  const view = await finishRun(db, options, runId, end);
  row = await findSource(db, merchantId, sourceId);
  if (row !== undefined) await planNextRun(context, row, { runId, ...end });
  events.onRun?.({ merchantId, sourceId, runId, trigger: view.trigger, ...end, counts: view });
  const alert = { merchantId, sourceId, runId, quarantined: state.fresh };
  if (state.isEmpty) events.onAlert?.({ kind: 'empty_snapshot', ...alert });
  else if (state.fresh > 0) events.onAlert?.({ kind: 'quarantine', ...alert });
  return view;
}

async function readAll(
  context: SourcesContext,
  options: RunOptions,
  kind: SourceKind | undefined,
  state: { fresh: number; isEmpty: boolean },
): Promise<RunEnd> {
  const { merchantId, sourceId } = options;
  const row = await findSource(context.db, merchantId, sourceId);
  if (row === undefined || kind === undefined) return { status: 'failed', code: 'unknown_kind' };
  if (kind.modes.length === 0) return succeeded;
  const retryAfterMs = await blockedForMs(context.db, row);
  if (retryAfterMs !== undefined) return { status: 'blocked', code: 'retry_after', retryAfterMs };
  const source = openSource(context, row, kind);
  if (source === undefined) return { status: 'failed', code: 'credentials_unusable' };
  try {
    return await readPages(context, options, { kind, source }, state);
  } finally {
    await source.close?.().catch(() => undefined);
  }
}

function openSource(
  context: SourcesContext,
  row: SourceRow,
  kind: SourceKind,
): OpenSource | undefined {
  let credentials: unknown;
  try {
    credentials = openCredentials(row, context.secretBox);
  } catch {
    return undefined;
  }
  const { merchant_id: merchantId, source_id: sourceId, config } = row;
  return kind.open({ merchantId, sourceId, config, credentials });
}

async function readPages(
  context: SourcesContext,
  options: RunOptions,
  { kind, source }: { readonly kind: SourceKind; readonly source: OpenSource },
  state: { fresh: number; isEmpty: boolean },
): Promise<RunEnd> {
  const { db, together, settings, clock, events } = context;
  const { merchantId, sourceId, runId, signal } = options;
  const startedAt = performance.now();
  let readSoFar = 0;
  let hasRestarted = false;
  for (let pages = 0; ; pages += 1) {
    if (signal.aborted) return { status: 'interrupted', code: null };
    let row = await findSource(db, merchantId, sourceId);
    if (row === undefined) throw new SourceMoved();
    if (options.trigger === 'schedule' && (await isStopped(context, merchantId))) {
      return { status: 'stopped', code: null };
    }
    const readAt = await databaseNow(db, clock.offsetMs);
    if (row.mode === 'full' && pages === 0) row = await beginSnapshot(context, row, readAt);
    const limit = batchSizeOf(row, kind, settings);
    const read = await readPage(source, row, { limit, signal, readAt });
    if (read.kind === 'failed') {
      const { code, retryAfterMs } = read;
      return { status: retryAfterMs === undefined ? 'failed' : 'blocked', code, retryAfterMs };
    }
    if (read.kind === 'expired') {
      if (source.snapshot === undefined) return { status: 'failed', code: 'no_snapshot' };
      // A source that finds every place too old would be read for ever.
      if (hasRestarted) return { status: 'failed', code: 'snapshot_expired' };
      hasRestarted = true;
      await beginSnapshot(context, { ...row, snapshot: null }, readAt);
      continue;
    }
    const { page } = read;
    if (row.snapshot !== null && !page.isSnapshot) {
      return { status: 'failed', code: 'not_a_snapshot' };
    }
    if (page.isSnapshot && row.snapshot === null) row = await beginSnapshot(context, row, readAt);
    if (source.mayBeEmpty !== true && isEmptySnapshot(row, page)) {
      // An empty read is never "everything is gone".
      await abandonSnapshot(context, row);
      state.isEmpty = true;
      return { status: 'failed', code: 'empty_snapshot' };
    }
    const result = await applyPage(together, {
      merchantId,
      sourceId,
      runId,
      token: randomUUID(),
      items: page.items,
      unreadable: page.unreadable,
      readAt,
      guards: guardsOf(row, kind),
      deduplicate: settings.deduplication,
      origin: 'page',
      advance: advanceOf(row, page),
    });
    state.fresh += result.fresh;
    for (const [code, count] of result.refused) {
      events.onRefused?.({ merchantId, sourceId, code, items: count });
    }
    readSoFar += result.counts.read;
    options.onPage?.(readSoFar);
    if (!page.hasMore) return { ...succeeded, code: gapOf(row, page) };
    const before = row.snapshot === null ? row.watermark : row.snapshot.cursor;
    if (page.nextWatermark === before) return { status: 'failed', code: 'feed_stuck' };
    if (row.snapshot === null && performance.now() - startedAt > longestRunMs) return succeeded;
  }
}

async function isStopped({ db }: SourcesContext, merchantId: string): Promise<boolean> {
  const schedule = await db
    .selectFrom('source_schedule')
    .select('stopped_at')
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  return (schedule?.stopped_at ?? null) !== null;
}
