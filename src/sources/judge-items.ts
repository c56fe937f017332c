import { byOrder, hasVersion, orderOf, type Order } from './item-order.ts';
import { placeOf, type Known, type KnownFigure } from './known.ts';
import type { SourceItem } from './source.ts';

/** What is known of items before anybody looks at stock. */
export type Judged = {
  /** To be applied, in this order: of each place the figures first, then what moved. */
  readonly candidates: readonly SourceItem[];
  readonly unchanged: number;
  readonly stale: number;
  /** Items on what this source does not own, by code. */
  readonly refused: ReadonlyMap<string, number>;
};

export type JudgeOptions = {
  readonly sourceId: string;
  /** Of several figures for one place only the newest is applied. */
  readonly deduplicate: boolean;
};

/**
 * Judges the items of a page by what the source had said before. Of one place the newest figure
 * wins: what is older is stale, what says the same again changes nothing, unless a full read had
 * not shown it meanwhile. A movement counts once for its id; whether a figure has it in it already
 * is seen when the figures before it were taken.
 *
 * Codes of refused items: SOURCE.NOT_OWNER (another source owns it), SOURCE.NOT_DECLARED.
 */
export function judgeItems(
  items: readonly SourceItem[],
  known: Known,
  options: JudgeOptions,
): Judged {
  const refused = new Map<string, number>();
  const own = items.filter((item) => {
    const owner = known.ownership.ownerOf(item.quantity, item.storeId);
    if (owner === options.sourceId) return true;
    const code = owner === undefined ? 'SOURCE.NOT_DECLARED' : 'SOURCE.NOT_OWNER';
    refused.set(code, (refused.get(code) ?? 0) + 1);
    return false;
  });
  const tally = { unchanged: 0, stale: 0 };
  const movements = new Set(known.movements);
  const candidates = [...Map.groupBy(own, placeOf)].flatMap(([place, group]) => {
    const figures = judgeFigures(place, group, known, tally, options.deduplicate);
    const moved = group.filter((item) => {
      if (item.op !== 'adjust') return false;
      if (movements.has(item.id)) tally.unchanged += 1;
      else return movements.add(item.id);
      return false;
    });
    return [...figures, ...moved.toSorted(byOrder)];
  });
  return { candidates, ...tally, refused };
}

function judgeFigures(
  place: string,
  group: readonly SourceItem[],
  known: Known,
  tally: { unchanged: number; stale: number },
  deduplicate: boolean,
): SourceItem[] {
  const told = known.figures.get(place);
  let newest = newestOf([told, known.quarantine.get(place), known.held.get(place)]);
  let accepted: SourceItem[] = [];
  for (const item of group.filter(({ op }) => op !== 'adjust').toSorted(byOrder)) {
    if (item.missingIn !== undefined) {
      // Where the source has spoken since the read began, it is there.
      if (told !== undefined && told.generation < item.missingIn) accepted.push(item);
      else tally.stale += 1;
      continue;
    }
    const isBack = newest !== undefined && newest === told && told.isMissing;
    const order = newest === undefined ? 'newer' : orderBeside(item, newest, isBack);
    const isRepeat = order === 'same' && item.value === newest?.value;
    if (isRepeat) tally.unchanged += 1;
    // A version names one figure. A time does not: the clock was too coarse for two changes.
    else if (order === 'older' || (order === 'same' && hasVersion(item))) tally.stale += 1;
    else {
      if (deduplicate) {
        tally.stale += accepted.length;
        accepted = [];
      }
      accepted.push(item);
      newest = { ...item, version: item.version ?? null };
    }
  }
  return accepted;
}

/** What was missing is back with the figure that it had. */
function orderBeside(item: SourceItem, known: KnownFigure, isBack: boolean): Order {
  const order = orderOf(item, known);
  return order === 'same' && isBack ? 'newer' : order;
}

function newestOf(figures: readonly (KnownFigure | undefined)[]): KnownFigure | undefined {
  return figures.reduce((newest, figure) => {
    if (figure === undefined) return newest;
    if (newest === undefined) return figure;
    return orderOf(figure, newest) === 'newer' ? figure : newest;
  }, undefined);
}
