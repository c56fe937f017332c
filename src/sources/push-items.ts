import { randomUUID } from 'node:crypto';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { newId } from '../ids.ts';
import { applyPage } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import { replayHeldItems } from './held-items.ts';
import { beginRun, finishRun, type RunView } from './runs.ts';
import { settleZeros } from './settle-zeros.ts';
import { batchSizeOf, databaseNow, findSource, guardsOf, sourceNotFound } from './source-row.ts';
import type { SourceItem } from './source.ts';

export type PushInput = {
  readonly merchantId: string;
  readonly sourceId: string;
  /** Up to 10,000: one page. */
  readonly items: readonly SourceItem[];
};

/**
 * Takes items that a source brings by itself, all of them in one transaction, and answers with what
 * became of them. A repeat changes nothing. Any source may push, whatever its kind.
 *
 * Refusals, in this order: SOURCE.NOT_FOUND, SOURCE.DISABLED.
 */
export async function pushItems(
  context: SourcesContext,
  { merchantId, sourceId, items }: PushInput,
): Promise<Result<RunView>> {
  const { db, kinds, settings, together, clock, events } = context;
  const source = { merchantId, sourceId };
  const row = await findSource(db, merchantId, sourceId);
  if (row === undefined) return refused(sourceNotFound(sourceId));
  if (!row.enabled) return refused(refuse('SOURCE.DISABLED', 'The source is disabled.'));
  const runId = newId('run');
  const readAt = await databaseNow(db, clock.offsetMs);
  const kind = kinds.get(row.kind);
  const guards = guardsOf(row, kind);
  const page = { runId, readAt, guards, deduplicate: settings.deduplication };
  await beginRun(db, source, runId, 'push');
  let fresh = 0;
  try {
    const taken = await applyPage(together, {
      ...source,
      ...page,
      token: randomUUID(),
      items,
      unreadable: [],
      origin: 'page',
    });
    fresh += taken.fresh;
    for (const [code, count] of taken.refused) {
      events.onRefused?.({ ...source, code, items: count });
    }
    const batchSize = batchSizeOf(row, kind, settings);
    fresh += (await replayHeldItems(context, source, page, batchSize)).fresh;
    const { massZeroPercent } = guards;
    const scope = { ...source, runId, readAt, isPush: true };
    const settled = await settleZeros(db, together, { ...scope, massZeroPercent, batchSize });
    fresh += settled.fresh;
  } catch (error) {
    await finishRun(db, source, runId, { status: 'failed', code: 'internal' }).catch(
      () => undefined,
    );
    throw error;
  }
  const view = await finishRun(db, source, runId, { status: 'succeeded', code: null });
  const { trigger, status, code } = view;
  events.onRun?.({ ...source, runId, trigger, status, code, counts: view });
  if (fresh > 0) events.onAlert?.({ kind: 'quarantine', ...source, runId, quarantined: fresh });
  return ok(view);
}
