import { sql } from 'kysely';
import { SourceMoved, type Advance } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import type { SourceRow } from './source-row.ts';
import type { SourcePage } from './source.ts';
import type { SnapshotState } from './tables.ts';

/** Rows that do not even say what they are about. */
export function countPlaceless({ unreadable }: Pick<SourcePage, 'unreadable'>): number {
  return unreadable.filter(({ place }) => place === undefined).length;
}

/**
 * A code for a full read that ends with this page and showed rows that may be about anything: what
 * it did not show is not known to be gone. Null: nothing of the kind.
 */
export function gapOf({ snapshot }: SourceRow, page: SourcePage): string | null {
  if (snapshot === null) return null;
  return (snapshot.placeless ?? 0) + countPlaceless(page) > 0 ? 'rows_without_place' : null;
}

/** Whether a full read ends with this page and has not shown a single item. */
export function isEmptySnapshot({ snapshot }: SourceRow, page: SourcePage): boolean {
  if (snapshot === null || page.hasMore) return false;
  return snapshot.items + page.items.length === 0;
}

/** How a page moves its source on: the watermark, or the full read that it belongs to. */
export function advanceOf({ revision, watermark, snapshot }: SourceRow, page: SourcePage): Advance {
  const { nextWatermark, hasMore, items: read } = page;
  if (snapshot === null) return { revision, watermark: nextWatermark, snapshot: null };
  const items = snapshot.items + read.length;
  const placeless = (snapshot.placeless ?? 0) + countPlaceless(page);
  const state = { ...snapshot, items, placeless };
  if (!hasMore) return { revision, watermark: nextWatermark, snapshot: null, completes: state };
  return { revision, watermark, snapshot: { ...state, cursor: nextWatermark } };
}

/** Begins a full read, or goes on with the one that is on its way. */
export async function beginSnapshot(
  context: SourcesContext,
  row: SourceRow,
  readAt: Date,
): Promise<SourceRow> {
  if (row.snapshot !== null) return row;
  const snapshot: SnapshotState = {
    generation: row.generation + 1,
    cursor: null,
    startedAt: readAt.toISOString(),
    items: 0,
  };
  return await moveOn(context, row, snapshot);
}

/** The full read ends without a result: what it did not show is not gone. */
export async function abandonSnapshot(context: SourcesContext, row: SourceRow): Promise<void> {
  await moveOn(context, row, null);
}

async function moveOn(
  { db }: SourcesContext,
  row: SourceRow,
  snapshot: SnapshotState | null,
): Promise<SourceRow> {
  const moved = await db
    .updateTable('source')
    .set({
      snapshot: snapshot === null ? null : JSON.stringify(snapshot),
      generation: sql<number>`greatest(generation, ${snapshot?.generation ?? 0})`,
      revision: row.revision + 1,
    })
    .where('merchant_id', '=', row.merchant_id)
    .where('source_id', '=', row.source_id)
    .where('revision', '=', row.revision)
    .returningAll()
    .executeTakeFirst();
  if (moved === undefined) throw new SourceMoved();
  return moved;
}
