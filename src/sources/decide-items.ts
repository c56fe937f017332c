import {
  adjustStock,
  figureNow,
  laterUnits,
  takeFigure,
  type Command,
  type LevelKey,
  type Provenance,
  type StockTransaction,
} from '../stock/index.ts';
import type { SourceItem } from './source.ts';
import type { Guards, QuarantineCause } from './tables.ts';

/** What became of an item that was to be applied. */
export type DecidedItem = { readonly item: SourceItem } & (
  | { readonly kind: 'applied' | 'unchanged' }
  /** It is tried again later; `code` says why it could not be applied. */
  | { readonly kind: 'held'; readonly code: string }
  | { readonly kind: 'quarantined'; readonly cause: QuarantineCause; readonly current: number }
);

export type DecideOptions = {
  readonly merchantId: string;
  readonly sourceId: string;
  /** Null: somebody approved the items. */
  readonly guards: Guards | null;
  /** Nothing was observed later. */
  readonly readAt: Date;
};

/** The actor of what a source changes: entries of its own that its figures know. */
export function actorOf(sourceId: string): string {
  return `source:${sourceId}`;
}

/** The reason of its movements. */
export const movementReason = 'source.adjust';

/**
 * Applies items to stock, in their order, as far as the guards let them. A figure is taken with
 * what was recorded on its quantity after it was observed: orders and tills that the source cannot
 * have known, and its own movements since.
 */
export async function decideItems(
  transaction: StockTransaction,
  items: readonly SourceItem[],
  options: DecideOptions,
): Promise<readonly DecidedItem[]> {
  if (items.length === 0) return [];
  const { merchantId, sourceId, guards, readAt } = options;
  const keyOf = ({ sku, storeId }: SourceItem): LevelKey => ({ merchantId, sku, storeId });
  const desk = await transaction.read(items.map(keyOf));
  const figures = items.filter(({ op }) => op !== 'adjust');
  const later = await laterUnits(
    transaction.client,
    figures.map((item) => ({
      level: keyOf(item),
      version: desk.level(keyOf(item)).version,
      quantity: item.quantity,
      since: item.observedAt < readAt ? item.observedAt : readAt,
      knownActor: actorOf(sourceId),
      laterReason: movementReason,
    })),
  );
  const laterOf = new Map(figures.map((item, index) => [item, later[index]]));
  return items.map((item): DecidedItem => {
    const level = desk.level(keyOf(item));
    if (guards?.unknownSkus === 'hold' && level.storeExists && !level.exists) {
      return { item, kind: 'held', code: 'SOURCE.UNKNOWN_SKU' };
    }
    const units = laterOf.get(item);
    if (units === null) return { item, kind: 'held', code: 'LEDGER.ARCHIVED' };
    if (units !== undefined && guards !== null) {
      const current = level[item.quantity];
      const cause = suspicion(current, item.value, figureNow(item.value, units), guards);
      if (cause !== undefined) return { item, kind: 'quarantined', cause, current };
    }
    const { version } = level;
    const outcome = desk.run(commandOf(item, keyOf(item), units, sourceId));
    if (outcome.kind === 'refused') return { item, kind: 'held', code: outcome.refusal.code };
    return { item, kind: level.version === version ? 'unchanged' : 'applied' };
  });
}

/** What is suspicious about a figure: it differs too much, or it is a fall to zero. */
function suspicion(
  current: number,
  value: number,
  figure: number,
  { maxDeltaPercent, massZeroPercent }: Guards,
): QuarantineCause | undefined {
  if (current <= 0) return undefined;
  const percent = (Math.abs(figure - current) / current) * 100;
  if (maxDeltaPercent !== null && percent > maxDeltaPercent) return 'max_delta';
  return value <= 0 && massZeroPercent < 100 ? 'mass_zero' : undefined;
}

function commandOf(
  item: SourceItem,
  level: LevelKey,
  later: number | undefined,
  sourceId: string,
): Command {
  const { quantity, value } = item;
  const provenance: Provenance = {
    reason: `source.${item.op}`,
    reference: item.id,
    actor: actorOf(sourceId),
    sourceChannel: null,
    occurredAt: item.observedAt,
  };
  if (later !== undefined) return takeFigure({ level, quantity, value, later, provenance });
  return adjustStock({ level, request: { quantity, delta: value, mode: 'fact' }, provenance });
}
