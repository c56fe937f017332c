import {
  changeTogether,
  figureNow,
  type LaterUnits,
  type LevelKey,
  type StockDesk,
  type StockTransaction,
} from '../stock/index.ts';
import type { SourcesContext } from './context.ts';
import { orderOf } from './item-order.ts';
import { placeOf, readKnown, type Known } from './known.ts';
import { readLater } from './read-later.ts';
import { findSource, guardsOf } from './source-row.ts';
import type { SourceItem } from './source.ts';
import type { Guards } from './tables.ts';
import type { SourceName } from './write-page.ts';

/** What a source said, beside ours at the same moment. */
export type ComparedFigure = {
  readonly item: SourceItem;
  /** Ours when the source observed it: without what was recorded since. */
  readonly expected: number;
  readonly observed: number;
  /** Ours now, and what was recorded since the source observed it. */
  readonly current: number;
  readonly later: LaterUnits;
  /** Of the level. */
  readonly version: number;
  /**
   * It cannot be held against ours: the source has said something newer, this waits for somebody's
   * decision already, or what was recorded since is archived.
   */
  readonly isOutdated: boolean;
  /** The very figure was told before, by the source's changes. */
  readonly isTold: boolean;
  /** It differs by more than the source's guards let through. */
  readonly isSuspicious: boolean;
  /** When the source's word was taken last. */
  readonly agreedAt: Date | null;
};

export type AskedFigure = {
  readonly item: SourceItem;
  /** The database's time just before it was read: it was not observed later. */
  readonly readAt: Date;
};

/**
 * Compares what a source says with ours as of the same moment. Items on quantities that it does not
 * own, of stores that are not there, or of SKUs that it may not create, are left out. Undefined:
 * the source is gone.
 */
export async function compareFigures(
  context: SourcesContext,
  name: SourceName,
  asked: readonly AskedFigure[],
): Promise<readonly ComparedFigure[] | undefined> {
  const guards = await guardsOfSource(context, name);
  if (guards === undefined) return undefined;
  if (asked.length === 0) return [];
  return await changeTogether(context.together, async (transaction) => {
    return (await compareIn(transaction, name, asked, guards)).found;
  });
}

/** The guards of a source; undefined: it is gone. */
export async function guardsOfSource(
  { db, kinds }: SourcesContext,
  { merchantId, sourceId }: SourceName,
): Promise<Guards | undefined> {
  const row = await findSource(db, merchantId, sourceId);
  return row === undefined ? undefined : guardsOf(row, kinds.get(row.kind));
}

export type Comparison = {
  readonly desk: StockDesk;
  readonly known: Known;
  readonly found: readonly ComparedFigure[];
};

/** As {@link compareFigures}, with the levels to decide on. Once in a transaction. */
export async function compareIn(
  transaction: StockTransaction,
  { merchantId, sourceId }: SourceName,
  asked: readonly AskedFigure[],
  guards: Guards,
): Promise<Comparison> {
  const items = asked.map(({ item }) => item);
  const known = await readKnown(transaction.client, merchantId, sourceId, items);
  const keyOf = ({ sku, storeId }: SourceItem): LevelKey => ({ merchantId, sku, storeId });
  const desk = await transaction.read(items.map(keyOf));
  const own = asked.filter(({ item }) => {
    const level = desk.level(keyOf(item));
    if (known.ownership.ownerOf(item.quantity, item.storeId) !== sourceId) return false;
    return level.storeExists && (level.exists || guards.unknownSkus === 'create');
  });
  const input = { merchantId, sourceId, known, desk, asked: own };
  const laterOfEach = await readLater(transaction.client, input);
  const found = own.map(({ item }, index): ComparedFigure => {
    const level = desk.level(keyOf(item));
    const later = laterOfEach[index] ?? nothingLater;
    const { units } = later;
    const { isOutdated, ...told } = standing(item, known);
    const current = level[item.quantity];
    const figure = figureNow(item.value, later);
    const percent = current === 0 ? 0 : (Math.abs(figure - current) / current) * 100;
    return {
      item,
      expected: current - units,
      // A book figure below zero is compared as what it comes to.
      observed: figure - units,
      current,
      later,
      version: level.version,
      isSuspicious: guards.maxDeltaPercent !== null && percent > guards.maxDeltaPercent,
      // What was recorded since is archived: nobody can tell what ours was then.
      isOutdated: isOutdated || laterOfEach[index] === null,
      ...told,
    };
  });
  return { desk, known, found };
}

const nothingLater: LaterUnits = { counted: null, units: 0 };

/** How an item stands beside what the source had said before. */
function standing(
  item: SourceItem,
  known: Known,
): Pick<ComparedFigure, 'isOutdated' | 'isTold' | 'agreedAt'> {
  const place = placeOf(item);
  const told = known.figures.get(place);
  const waiting = [known.quarantine.get(place), known.held.get(place)];
  const isAnswered = waiting.some((one) => one !== undefined && orderOf(item, one) !== 'newer');
  return {
    isOutdated: isAnswered || (told !== undefined && orderOf(item, told) === 'older'),
    isTold: told !== undefined && told.value === item.value,
    agreedAt: told?.observedAt ?? null,
  };
}
