import { sql } from 'kysely';
import { quantityFromColumn } from '../stock/index.ts';
import type { SourcesContext } from './context.ts';
import { placeOf } from './known.ts';
import { readPage } from './read-page.ts';
import {
  batchSizeOf,
  blockedForMs,
  databaseNow,
  findSource,
  openCredentials,
} from './source-row.ts';
import {
  reportedQuantities,
  type OpenSource,
  type ReadOptions,
  type ReportedQuantity,
  type SourceItem,
  type SourceKey,
  type SourceRead,
} from './source.ts';
import type { SourceName } from './write-page.ts';

/** A page of what a source says now, whatever it had said before. */
export type FiguresRead =
  | {
      readonly kind: 'page';
      readonly items: readonly SourceItem[];
      /** Null: that was the last. */
      readonly next: string | null;
      readonly readAt: Date;
    }
  /** `not_readable`: it can only be read by what changes, or tells its changes itself. */
  | { readonly kind: 'failed'; readonly code: string };

/** A source that is asked for its figures, page after page. Opened with the first read. */
export type FigureReader = {
  /** @param cursor where the page before ended; null: at the beginning */
  read(cursor: string | null, signal: AbortSignal): Promise<FiguresRead>;
  close(): Promise<void>;
};

type Opened = { readonly source: OpenSource; readonly batchSize: number };

/** Larger pages than those of a sync: nothing is written for what agrees. */
const leastItems = 1_000;

/**
 * Reads what a source says of its figures: its snapshot, or where it has none what it says of each
 * figure that it told before. Changes nothing, and leaves the watermark alone.
 */
export function openFigures(context: SourcesContext, name: SourceName): FigureReader {
  let opened: Opened | undefined;
  return {
    async read(cursor, signal) {
      if (opened === undefined) {
        const result = await open(context, name);
        if (typeof result === 'string') return { kind: 'failed', code: result };
        opened = result;
      }
      return await readOnce(context, name, opened, { cursor, signal });
    },
    close: async () => await opened?.source.close?.().catch(() => undefined),
  };
}

/** The source, or a code that says why it cannot be opened. */
async function open(context: SourcesContext, name: SourceName): Promise<Opened | string> {
  const { db, kinds, settings, secretBox } = context;
  const row = await findSource(db, name.merchantId, name.sourceId);
  const kind = kinds.get(row?.kind ?? '');
  if (row === undefined || kind === undefined) return 'unknown_kind';
  if ((await blockedForMs(db, row)) !== undefined) return 'blocked';
  let credentials: unknown;
  try {
    credentials = openCredentials(row, secretBox);
  } catch {
    return 'credentials_unusable';
  }
  const source = kind.open({ ...name, config: row.config, credentials });
  return { source, batchSize: batchSizeOf(row, kind, settings) };
}

async function readOnce(
  context: SourcesContext,
  name: SourceName,
  { source, batchSize }: Opened,
  { cursor, signal }: { readonly cursor: string | null; readonly signal: AbortSignal },
): Promise<FiguresRead> {
  const readAt = await databaseNow(context.db, context.clock.offsetMs);
  const options = { limit: Math.max(batchSize, leastItems), signal, readAt };
  const read = await readFrom(context, name, source, cursor, options);
  if (read === undefined) return { kind: 'failed', code: 'not_readable' };
  if (read.kind === 'expired') return { kind: 'failed', code: 'snapshot_expired' };
  if (read.kind === 'failed') return { kind: 'failed', code: read.code };
  const { items, hasMore, nextWatermark } = read.page;
  if (hasMore && nextWatermark === cursor) return { kind: 'failed', code: 'feed_stuck' };
  if (!hasMore && cursor === null && items.length === 0 && source.mayBeEmpty !== true) {
    return { kind: 'failed', code: 'empty_snapshot' };
  }
  return { kind: 'page', items: lastOfPlaces(items), next: hasMore ? nextWatermark : null, readAt };
}

async function readFrom(
  { db }: SourcesContext,
  name: SourceName,
  source: OpenSource,
  cursor: string | null,
  options: ReadOptions,
): Promise<SourceRead | undefined> {
  if (source.snapshot !== undefined) {
    return await readPage(source, { watermark: null, snapshot: { cursor } }, options);
  }
  const current = source.current?.bind(source);
  if (current === undefined) return undefined;
  const keys = await toldKeys(db, name, cursor, options.limit);
  const last = keys.at(-1);
  const ask = {
    ...source,
    changesSince: (_: unknown, reading: ReadOptions) => current(keys, reading),
  };
  const read = await readPage(ask, { watermark: null, snapshot: null }, options);
  if (read.kind !== 'page') return read;
  const hasMore = keys.length === options.limit && last !== undefined;
  const nextWatermark = hasMore ? JSON.stringify([last.sku, last.storeId, last.quantity]) : null;
  return { kind: 'page', page: { ...read.page, hasMore, nextWatermark } };
}

/** Keys of figures that the source told before, in their order. */
async function toldKeys(
  db: SourcesContext['db'],
  { merchantId, sourceId }: SourceName,
  cursor: string | null,
  limit: number,
): Promise<readonly SourceKey[]> {
  const after = cursor === null ? null : (JSON.parse(cursor) as [string, string, string]);
  const from =
    after === null
      ? sql``
      : sql`and (sku, location_id, quantity::text) > (${after[0]}, ${after[1]}, ${after[2]})`;
  const { rows } = await sql<{ sku: string; location_id: string; quantity: string }>`
    select sku, location_id, quantity::text as quantity from source_figure
    where merchant_id = ${merchantId} and source_id = ${sourceId} ${from}
    order by sku, location_id, quantity::text limit ${limit}`.execute(db);
  return rows.map((row) => ({
    sku: row.sku,
    storeId: row.location_id,
    quantity: reportedOf(row.quantity),
  }));
}

function reportedOf(column: string): ReportedQuantity {
  const name = quantityFromColumn(column);
  const found = reportedQuantities.find((quantity) => quantity === name);
  if (found === undefined) throw new Error(`a source cannot report ${name}`);
  return found;
}

/** Movements say nothing of a figure; of several figures of one place the last is the newest. */
function lastOfPlaces(items: readonly SourceItem[]): readonly SourceItem[] {
  const figures = items.filter(({ op }) => op !== 'adjust');
  return [...new Map(figures.map((item) => [placeOf(item), item])).values()];
}
