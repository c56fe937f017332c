import {
  changeTogether,
  figureNow,
  laterUnits,
  type LevelKey,
  type StockDesk,
  type StockTransaction,
} from '../stock/index.ts';
import type { SourcesContext } from './context.ts';
import { actorOf, movementReason } from './decide-items.ts';
import { orderOf } from './item-order.ts';
import { placeOf, readKnown, type Known } from './known.ts';
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
  readonly later: number;
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

/** As {@link compareFigures}, with the levels to decide on. Once in a transaction. */
export async function compareIn(
  transaction: StockTransaction,
  { merchantId, sourceId }: SourceName,
  asked: readonly AskedFigure[],
  guards: Guards,
): Promise<{ readonly desk: StockDesk; readonly found: readonly ComparedFigure[] }> {
  const items = asked.map(({ item }) => item);
  const told = await readKnown(transaction.client, merchantId, sourceId, items);
  const keyOf = ({ sku, storeId }: SourceItem): LevelKey => ({ merchantId, sku, storeId });
  const desk = await transaction.read(items.map(keyOf));
  const own = asked.filter(({ item }) => {
    const level = desk.level(keyOf(item));
    if (told.ownership.ownerOf(item.quantity, item.storeId) !== sourceId) return false;
    return level.storeExists && (level.exists || guards.unknownSkus === 'create');
  });
  const later = await laterUnits(
    transaction.client,
    own.map(({ item, readAt }) => ({
      level: keyOf(item),
      version: desk.level(keyOf(item)).version,
      quantity: item.quantity,
      since: item.observedAt < readAt ? item.observedAt : readAt,
      knownActor: actorOf(sourceId),
      laterReason: movementReason,
    })),
  );
  const found = own.map(({ item }, index): ComparedFigure => {
    const level = desk.level(keyOf(item));
    const units = later[index] ?? 0;
    const { isOutdated, ...known } = standing(item, told);
    const current = level[item.quantity];
    const figure = figureNow(item.value, units);
    const percent = current === 0 ? 0 : (Math.abs(figure - current) / current) * 100;
    return {
      item,
      expected: current - units,
      // A book figure below zero is compared as what it comes to.
      observed: figure - units,
      current,
      later: units,
      version: level.version,
      isSuspicious: guards.maxDeltaPercent !== null && percent > guards.maxDeltaPercent,
      // What was recorded since is archived: nobody can tell what ours was then.
      isOutdated: isOutdated || later[index] === null,
      ...known,
    };
  });
  return { desk, found };
}

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
