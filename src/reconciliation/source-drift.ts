import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import { newId } from '../ids.ts';
import type { ComparedFigure, SourceItem, SourceName } from '../sources/index.ts';
import { entriesSince } from '../stock/index.ts';
import type { ReconciliationContext } from './context.ts';
import type { NewDrift } from './record-drifts.ts';

/** A figure as a source said it, as it is kept until it is settled. */
export type SeenFigure = {
  readonly item: Omit<SourceItem, 'observedAt'> & { readonly observedAt: string };
  readonly readAt: string;
  /** The source says there is nothing. */
  readonly isZero: boolean;
};

export function seenOf(item: SourceItem, readAt: Date): SeenFigure {
  const observedAt = item.observedAt.toISOString();
  return { item: { ...item, observedAt }, readAt: readAt.toISOString(), isZero: item.value <= 0 };
}

export function askedOf({ item, readAt }: SeenFigure): { item: SourceItem; readAt: Date } {
  return { item: { ...item, observedAt: new Date(item.observedAt) }, readAt: new Date(readAt) };
}

/** Whether ours is another figure than the source's. */
export function isDrift({ expected, observed, isOutdated }: ComparedFigure): boolean {
  return expected !== observed && !isOutdated;
}

/** What is written down of figures that differ, and whether it waits for an approval. */
export async function describe(
  { db, settings }: Pick<ReconciliationContext, 'db' | 'settings'>,
  { merchantId }: SourceName,
  differing: readonly ComparedFigure[],
  how: { readonly holdsZeros: boolean; readonly readAtOf: (item: SourceItem) => Date },
): Promise<readonly NewDrift[]> {
  const ledgers = await entriesSince(
    db,
    differing.map(({ item: { sku, storeId, quantity }, agreedAt }) => {
      return { level: { merchantId, sku, storeId }, quantity, since: agreedAt };
    }),
  );
  return differing.map((one, index): NewDrift => {
    const { item, expected, observed, version, agreedAt, isTold, isSuspicious } = one;
    const isLarge = Math.abs(expected - observed) >= settings.discrepancyThreshold;
    const isWaiting = isLarge || isSuspicious || (how.holdsZeros && item.value <= 0);
    return {
      driftId: newId('drf'),
      sku: item.sku,
      storeId: item.storeId,
      quantity: item.quantity,
      expected,
      observed,
      // It told us this very figure, so it is ours that moved otherwise.
      cause: isTold ? 'unknown' : 'missed_source_event',
      action: 'adjust_ours',
      status: isWaiting ? 'pending' : 'settling',
      version,
      agreedAt,
      ledger: ledgers[index] ?? { count: 0, newest: [] },
      seen: seenOf(item, how.readAtOf(item)),
    };
  });
}

/** Drifts of the same figures that nobody settled: what is found now takes their place. */
export async function openDriftsOf(
  tx: Tx,
  { merchantId, sourceId }: SourceName,
  drifts: readonly NewDrift[],
): Promise<readonly string[]> {
  if (drifts.length === 0) return [];
  const { rows } = await sql<{ drift_id: string }>`
    select d.drift_id from drift d
    join unnest(${drifts.map(({ sku }) => sku)}::text[],
      ${drifts.map(({ storeId }) => storeId)}::text[],
      ${drifts.map(({ quantity }) => quantity)}::text[]) as u(sku, location_id, quantity)
      on d.sku = u.sku and d.location_id = u.location_id and d.quantity = u.quantity
    where d.merchant_id = ${merchantId} and d.source_id = ${sourceId}
      and d.status in ('pending', 'settling')`.execute(tx);
  return rows.map((row) => row.drift_id);
}
