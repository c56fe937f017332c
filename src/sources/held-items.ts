import { randomUUID } from 'node:crypto';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { applyPage, type PageInput } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import { readKept } from './source.ts';
import type { SourceName } from './write-page.ts';

/** An item that could not be applied, as the API shows it. */
export type HeldItemView = {
  readonly sourceId: string;
  readonly itemKey: string;
  /** As it came. */
  readonly item: unknown;
  readonly code: string;
  readonly heldAt: string;
};

/** Items that wait, by source and what they are about, at most `limit` after `after`. */
export async function listHeldItems(
  db: Db,
  filter: PageRequest & {
    readonly merchantId: string;
    readonly sourceId: string;
  },
): Promise<PageOf<HeldItemView, string>> {
  let query = db
    .selectFrom('source_held_item')
    .selectAll()
    .where('merchant_id', '=', filter.merchantId)
    .where('source_id', '=', filter.sourceId)
    .orderBy('item_key')
    .limit(filter.limit + 1);
  if (filter.after !== undefined) query = query.where('item_key', '>', filter.after);
  const page = pageOf(await query.execute(), filter.limit, (row) => row.item_key);
  const items = page.items.map((row) => ({
    sourceId: row.source_id,
    itemKey: row.item_key,
    item: row.item,
    code: row.code,
    heldAt: row.held_at.toISOString(),
  }));
  return { ...page, items };
}

/**
 * Tries every held item once more, oldest first: the store may be known by now, what a movement
 * takes may have come. What still cannot be applied goes on waiting.
 */
export async function replayHeldItems(
  context: SourcesContext,
  source: SourceName,
  page: Pick<PageInput, 'runId' | 'guards' | 'deduplicate' | 'readAt'>,
  batchSize: number,
): Promise<{ readonly fresh: number }> {
  const keys = await context.db
    .selectFrom('source_held_item')
    .select(['item_key', 'item'])
    .where('merchant_id', '=', source.merchantId)
    .where('source_id', '=', source.sourceId)
    .where('code', '!=', 'SOURCE.ITEM_INVALID')
    .orderBy('held_at')
    .orderBy('item_key')
    .limit(mostReplayed)
    .execute();
  let fresh = 0;
  for (let from = 0; from < keys.length; from += batchSize) {
    const rows = keys.slice(from, from + batchSize);
    const items = readKept(rows.map(({ item }) => item));
    const result = await applyPage(context.together, {
      ...source,
      ...page,
      token: randomUUID(),
      items,
      unreadable: [],
      origin: 'held',
    });
    fresh += result.fresh;
  }
  return { fresh };
}

/** Of a feed that speaks only of unknown stores a run still comes to its end. */
const mostReplayed = 20_000;
