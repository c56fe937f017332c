import {
  adjustStock,
  figureNow,
  takeFigure,
  type Command,
  type LaterUnits,
  type LevelKey,
  type Provenance,
  type StockDesk,
  type StockTransaction,
} from '../stock/index.ts';
import { orderOf } from './item-order.ts';
import { placeOf, type Known } from './known.ts';
import { actorOf, readLater } from './read-later.ts';
import type { SourceItem } from './source.ts';
import type { Guards, QuarantineCause } from './tables.ts';

/**
 * What became of an item that was to be applied. `stale`: a movement that the figure has in it;
 * `held`: it is tried again later, `code` says why it could not be applied.
 */
export type DecidedItem = { readonly item: SourceItem } & (
  | { readonly kind: 'applied' | 'unchanged' | 'stale' }
  | { readonly kind: 'held'; readonly code: string }
  | { readonly kind: 'quarantined'; readonly cause: QuarantineCause; readonly current: number }
);

export type DecideOptions = {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly known: Known;
  /** Null: somebody approved the items. */
  readonly guards: Guards | null;
  /** Nothing was observed later. */
  readonly readAt: Date;
};

/**
 * Applies items to stock, in their order, as far as the guards let them. A figure is taken with
 * what was recorded on its quantity after it was observed: orders and tills that the source cannot
 * have known, and its own movements since. A movement is judged by the figure that was really taken
 * before it: one that waits for somebody's word has nothing in it yet.
 */
export async function decideItems(
  transaction: StockTransaction,
  items: readonly SourceItem[],
  options: DecideOptions,
): Promise<Decided> {
  if (items.length === 0) return { desk: undefined, decided: [] };
  const { merchantId, sourceId, known, guards, readAt } = options;
  const keyOf = ({ sku, storeId }: SourceItem): LevelKey => ({ merchantId, sku, storeId });
  const desk = await transaction.read(items.map(keyOf));
  const figures = items.filter(({ op }) => op !== 'adjust');
  const asked = figures.map((item) => ({ item, readAt }));
  const input = { merchantId, sourceId, known, desk, asked };
  const later = await readLater(transaction.client, input);
  const taken = new Map<string, SourceItem>();
  const laterOf = new Map(figures.map((item, index) => [item, later[index]]));
  const decided = items.map((item): DecidedItem => {
    const level = desk.level(keyOf(item));
    const base = taken.get(placeOf(item)) ?? known.figures.get(placeOf(item));
    if (item.op === 'adjust' && base !== undefined && orderOf(item, base) === 'older') {
      return { item, kind: 'stale' };
    }
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
    if (item.op !== 'adjust') taken.set(placeOf(item), item);
    return { item, kind: level.version === version ? 'unchanged' : 'applied' };
  });
  return { desk, decided };
}

/** What became of items, and the levels as they left them; undefined: none was looked at. */
export type Decided = {
  readonly desk: StockDesk | undefined;
  readonly decided: readonly DecidedItem[];
};

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
  later: LaterUnits | undefined,
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
