import { sql } from 'kysely';
import { newId } from '../ids.ts';
import {
  compareFigures,
  guardsOfSource,
  modeOf,
  runSource,
  type FigureReader,
  type SourceName,
} from '../sources/index.ts';
import type { StepResult } from './channel-part.ts';
import type { ReconciliationContext } from './context.ts';
import {
  dropSuspects,
  movePart,
  readPart,
  readSuspects,
  restartPart,
  writeSuspects,
  type PartName,
  type PartRow,
  type Suspect,
} from './part.ts';
import { endDrifts, insertDrifts } from './record-drifts.ts';
import {
  askedOf,
  describe,
  isDrift,
  openDriftsOf,
  seenOf,
  type SeenFigure,
} from './source-drift.ts';

const done: StepResult = { kind: 'done' };
const more: StepResult = { kind: 'more' };
/** Somebody else reads the source: asked again after so long. */
const busyMs = 500;
const confirmLimit = 500;
/** Stands with a part that began anew. */
const restarted = 'restarted';

/**
 * Does the next step of a source's part. First what it says of everything is read, page by page,
 * and what differs from ours at that moment is kept. Then the source is read by what changed, as
 * ever; what still differs afterwards it did not tell us, and that is drift. Each step is one
 * transaction with how far the part came.
 * @param figures the source, open for as long as this process is at the part
 */
export async function workSourcePart(
  context: ReconciliationContext,
  name: PartName,
  figures: FigureReader,
  signal: AbortSignal,
): Promise<StepResult> {
  const part = await readPart(context.db, name);
  if (part?.source_id === null || part === undefined) return done;
  const source = { merchantId: part.merchant_id, sourceId: part.source_id };
  if (part.status === 'reading') {
    return await lookAtPage(context, part, source, { figures, signal });
  }
  if (part.status === 'confirming') return await confirmPage(context, part, source, signal);
  return done;
}

async function lookAtPage(
  context: ReconciliationContext,
  part: PartRow,
  source: SourceName,
  { figures, signal }: { readonly figures: FigureReader; readonly signal: AbortSignal },
): Promise<StepResult> {
  const { db, sources } = context;
  const position = part.position as { cursor: string | null } | null;
  if (position?.cursor === null) return await beginConfirming(context, part, source);
  const read = await figures.read(position?.cursor ?? null, signal);
  if (signal.aborted) return { kind: 'wait', ms: busyMs };
  if (read.kind === 'failed') {
    // Where another process had come to means nothing to this one's reading.
    if (read.code === 'snapshot_expired' && position !== null && (await restart(context, part))) {
      return more;
    }
    const status = read.code === 'not_readable' ? 'finished' : 'failed';
    return await endPart(context, part, status, read.code);
  }
  const { items, readAt, next } = read;
  const asked = items.map((item) => ({ item, readAt }));
  const compared = await compareFigures(sources, source, asked);
  if (compared === undefined) return await endPart(context, part, 'failed', 'source_gone');
  const differing = compared.filter(isDrift);
  const suspects = differing.map(({ item }): Suspect<SeenFigure> => {
    const { sku, storeId, quantity } = item;
    return { sku, storeId, quantity, seen: seenOf(item, readAt) };
  });
  const outdated = compared.filter(({ isOutdated }) => isOutdated).length;
  await db.transaction().execute(async (tx) => {
    await writeSuspects(tx, part, suspects);
    await movePart(tx, part, {
      position: { cursor: next },
      items: items.length,
      compared: compared.length - outdated - suspects.length,
      stocked: compared.filter(({ current }) => current > 0).length,
      in_flight: outdated,
    });
  });
  return more;
}

/** Begins anew, once: a snapshot that expires again is not to be had. */
async function restart({ db }: ReconciliationContext, part: PartRow): Promise<boolean> {
  if (part.code === restarted) return false;
  await db.transaction().execute(async (tx) => {
    await restartPart(tx, part, restarted);
  });
  return true;
}

/** Goes on to the second look, or ends the part when nothing differed. */
async function beginConfirming(
  context: ReconciliationContext,
  part: PartRow,
  source: SourceName,
): Promise<StepResult> {
  const { db, sources } = context;
  const { rows } = await sql<{ suspects: number; zeros: number }>`
    select count(*)::integer as suspects,
      (count(*) filter (where (seen ->> 'isZero')::boolean))::integer as zeros
    from reconciliation_suspect
    where merchant_id = ${part.merchant_id} and reconciliation_id = ${part.reconciliation_id}
      and part_id = ${part.part_id}`.execute(db);
  const { suspects, zeros } = rows[0] ?? { suspects: 0, zeros: 0 };
  if (suspects === 0) return await endPart(context, part, 'finished');
  const guards = await guardsOfSource(sources, source);
  const most = Math.max(2, (part.stocked * (guards?.massZeroPercent ?? 0)) / 100);
  await db
    .transaction()
    .execute((tx) => movePart(tx, part, { status: 'confirming', holdsZeros: zeros > most }));
  return more;
}

async function confirmPage(
  context: ReconciliationContext,
  part: PartRow,
  source: SourceName,
  signal: AbortSignal,
): Promise<StepResult> {
  const { db, sources } = context;
  if (part.confirm_at === null) return await readChanges(context, part, source, signal);
  const suspects = await readSuspects<SeenFigure>(db, part, confirmLimit);
  if (suspects.length === 0) return await endPart(context, part, 'finished');
  const asked = suspects.map(({ seen }) => askedOf(seen));
  const compared = await compareFigures(sources, source, asked);
  if (compared === undefined) return await endPart(context, part, 'failed', 'source_gone');
  const readAts = new Map(asked.map(({ item, readAt }) => [item, readAt]));
  const drifting = compared.filter(isDrift);
  const drifts = await describe(context, source, drifting, {
    holdsZeros: part.holds_zeros,
    readAtOf: (item) => readAts.get(item) ?? item.observedAt,
  });
  await db.transaction().execute(async (tx) => {
    const { merchantId, sourceId } = source;
    const scope = {
      merchantId,
      reconciliationId: part.reconciliation_id,
      channelId: null,
      sourceId,
    };
    const before = await openDriftsOf(tx, source, drifts);
    if (before.length > 0) await endDrifts(tx, merchantId, before, 'superseded');
    await insertDrifts(tx, scope, drifts);
    await dropSuspects(tx, part, suspects);
    const outdated = compared.filter(({ isOutdated }) => isOutdated).length;
    await movePart(tx, part, {
      compared: compared.length - outdated,
      in_flight: outdated,
      drifts: drifts.length,
    });
  });
  return more;
}

/**
 * Reads what changed at the source since it was read last: a change that was merely not read yet is
 * no drift. A source that is read as a whole each time has nothing of the kind.
 */
async function readChanges(
  { db, sources }: ReconciliationContext,
  part: PartRow,
  source: SourceName,
  signal: AbortSignal,
): Promise<StepResult> {
  if ((await modeOf(sources, source)) === 'delta') {
    const run = await runSource(sources, {
      ...source,
      runId: newId('run'),
      trigger: 'request',
      signal,
    });
    if (signal.aborted || !run.ok) {
      if (run.ok || run.refusal.code === 'SOURCE.RUN_IN_PROGRESS')
        return { kind: 'wait', ms: busyMs };
      return await endPart({ db }, part, 'failed', 'source_gone');
    }
    const { status, code } = run.value;
    if (status !== 'succeeded') return await endPart({ db }, part, 'failed', code ?? status);
  }
  await db.transaction().execute((tx) => movePart(tx, part, { confirmInMs: 0 }));
  return more;
}

async function endPart(
  { db }: Pick<ReconciliationContext, 'db'>,
  part: PartRow,
  status: 'finished' | 'failed',
  code?: string,
): Promise<StepResult> {
  await db
    .transaction()
    .execute((tx) => movePart(tx, part, { status, ...(code === undefined ? {} : { code }) }));
  return done;
}
