import type { PoolClient } from 'pg';
import { together } from '../db/index.ts';
import { changeTogether, type StockTransaction, type TogetherOptions } from '../stock/index.ts';
import { noCounts } from './counts.ts';
import { decideItems, type DecidedItem } from './decide-items.ts';
import { judgeItems } from './judge-items.ts';
import { placeOf, readKnown, type Known } from './known.ts';
import { parkMissing } from './missing.ts';
import type { SourceItem, UnreadableItem } from './source.ts';
import type { Guards, RunCounts, SnapshotState } from './tables.ts';
import {
  markSeen,
  writeCounts,
  writeFigures,
  writeHeld,
  writeMovements,
  writeQuarantine,
  type SourceName,
} from './write-page.ts';

/** How a page moves its source on. */
export type Advance = {
  /** The state that the page was read for: on any other it is not applied. */
  readonly revision: number;
  readonly watermark: string | null;
  /** Null: no full read is on its way any more. */
  readonly snapshot: SnapshotState | null;
  /** The page is the last one of this full read: what it did not show is gone. */
  readonly completes?: SnapshotState | undefined;
};

export type PageInput = SourceName & {
  readonly runId: string;
  /** Names this page: a commit whose answer was lost is recognised by it. */
  readonly token: string;
  readonly items: readonly SourceItem[];
  readonly unreadable: readonly UnreadableItem[];
  readonly readAt: Date;
  /** Null: somebody approved the items. */
  readonly guards: Guards | null;
  readonly deduplicate: boolean;
  /** Items that waited are not compared with themselves. */
  readonly origin: 'page' | 'held' | 'approved';
  /** Absent: the source was not read, its watermark stays. */
  readonly advance?: Advance | undefined;
  /** Takes the items from where they waited, in the transaction, in place of those given. */
  readonly take?: (client: PoolClient) => Promise<Pick<PageInput, 'items' | 'readAt'>>;
};

export type PageResult = {
  readonly counts: RunCounts;
  /** Items that wait for a decision since this page. */
  readonly fresh: number;
  readonly refused: ReadonlyMap<string, number>;
};

/** Another process has read the source meanwhile, or it was deleted: the page is not applied. */
export class SourceMoved extends Error {
  constructor() {
    super('the source is no longer as it was when it was read');
    this.name = 'SourceMoved';
  }
}

type SourceState = {
  readonly revision: number;
  readonly generation: number;
  readonly last_page: { token: string; counts: RunCounts } | null;
};

/**
 * Applies a page of a source: its changes of stock, the figures it told, and how far it was read,
 * in one transaction. A crash leaves all of it or nothing, and a page that comes again finds its
 * figures known and changes nothing. Throws `SourceMoved`.
 */
export async function applyPage(options: TogetherOptions, asked: PageInput): Promise<PageResult> {
  return await changeTogether(options, async (transaction) => {
    const { client } = transaction;
    const state = await lockSource(client, asked);
    if (state.last_page?.token === asked.token) {
      return { counts: state.last_page.counts, fresh: 0, refused: new Map() };
    }
    const { advance } = asked;
    if (advance !== undefined && advance.revision !== state.revision) throw new SourceMoved();
    const input = { ...asked, ...(await asked.take?.(client)) };
    const result = await applyItems(transaction, input, state.generation);
    if (advance?.completes !== undefined) {
      await parkMissing(client, input, advance.completes, input.runId);
    }
    await together([
      advanceSource(client, input, result.counts),
      writeCounts(client, input, input.runId, result.counts, advance === undefined ? 0 : 1),
    ]);
    return result;
  });
}

async function applyItems(
  transaction: StockTransaction,
  input: PageInput,
  generation: number,
): Promise<PageResult> {
  const { client } = transaction;
  const { merchantId, sourceId, items, unreadable, guards, readAt, deduplicate, advance } = input;
  const known = knownFor(input, await readKnown(client, merchantId, sourceId, items));
  const judged = judgeItems(items, known, { sourceId, deduplicate });
  const { desk, decided } = await decideItems(transaction, judged.candidates, {
    merchantId,
    sourceId,
    known,
    guards,
    readAt,
  });
  const taken = decided.filter(({ kind }) => kind === 'applied' || kind === 'unchanged');
  const figures = taken.map(({ item }) => item).filter(({ op }) => op !== 'adjust');
  const movements = taken.map(({ item }) => item).filter(({ op }) => op === 'adjust');
  const isFullRead = advance?.completes !== undefined || (advance?.snapshot ?? null) !== null;
  const places = unreadable.flatMap(({ place }) => (place === undefined ? [] : [place]));
  // Figures that are kept are marked with it.
  const kept = new Set(figures.map(placeOf));
  const shown = isFullRead
    ? [...items, ...places].filter((place) => !kept.has(placeOf(place)))
    : [];
  const suspects = decided.filter((one) => one.kind === 'quarantined');
  // Sent together, and carried out in this order.
  const [, , , , { pending, fresh }] = await together([
    desk && writeFigures(client, input, figures, { desk, known, generation }),
    markSeen(client, input, shown, generation),
    writeMovements(client, input, movements),
    writeHeld(client, input, waiting(input, decided), unreadable),
    writeQuarantine(client, input, suspects, input.runId),
  ]);
  const counts: RunCounts = {
    read: input.origin === 'page' ? items.length + unreadable.length : 0,
    applied: decided.filter(({ kind }) => kind === 'applied').length,
    unchanged: judged.unchanged + decided.filter(({ kind }) => kind === 'unchanged').length,
    stale: judged.stale + decided.filter(({ kind }) => kind === 'stale').length,
    refused: [...judged.refused.values()].reduce((sum, count) => sum + count, 0),
    held: decided.filter(({ kind }) => kind === 'held').length + unreadable.length,
    quarantined: pending,
  };
  const isRetry = input.origin === 'held';
  return {
    counts: isRetry ? { ...noCounts, applied: counts.applied, quarantined: pending } : counts,
    fresh,
    refused: judged.refused,
  };
}

/** Items that waited for this moment are not in their own way. */
function knownFor({ origin }: PageInput, known: Known): Known {
  if (origin === 'held') return { ...known, held: new Map() };
  if (origin === 'approved') return { ...known, quarantine: new Map() };
  return known;
}

/** Held items that turned out to be out of date have waited long enough, too. */
function waiting(input: PageInput, decided: readonly DecidedItem[]): readonly DecidedItem[] {
  if (input.origin !== 'held') return decided;
  const known = new Set(decided.map(({ item }) => item));
  const settled = input.items.filter((item) => !known.has(item));
  return [...settled.map((item): DecidedItem => ({ item, kind: 'unchanged' })), ...decided];
}

async function lockSource(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
): Promise<SourceState> {
  const { rows } = await client.query<SourceState>({
    name: 'source_lock',
    text: `select revision, generation, last_page from source
     where merchant_id = $1 and source_id = $2 for no key update`,
    values: [merchantId, sourceId],
  });
  if (rows[0] === undefined) throw new SourceMoved();
  return rows[0];
}

async function advanceSource(
  client: PoolClient,
  { merchantId, sourceId, advance, token }: PageInput,
  counts: RunCounts,
): Promise<void> {
  const page = JSON.stringify({ token, counts });
  if (advance === undefined) {
    await client.query({
      name: 'source_page',
      text: `update source set last_page = $3 where merchant_id = $1 and source_id = $2`,
      values: [merchantId, sourceId, page],
    });
    return;
  }
  const { watermark, snapshot, revision } = advance;
  await client.query({
    name: 'source_advance',
    text: `update source
     set watermark = $3, snapshot = $4, last_page = $5, revision = $6 + 1
     where merchant_id = $1 and source_id = $2 and revision = $6`,
    values: [
      merchantId,
      sourceId,
      watermark,
      snapshot === null ? null : JSON.stringify(snapshot),
      page,
      revision,
    ],
  });
}
