import { maxQuantity } from '../stock/index.ts';
import { remark, type CommandIo } from './io.ts';
import type { OrderSurvey } from './order-file.ts';
import { readStockFile } from './stock-file.ts';

/**
 * Opening stock as a part of what the orders take from each SKU in all, in whole units, rounded
 * down: so some of the orders find too little. A SKU of which nothing is taken begins with 0.
 * @param share 0 or more; 1 is all that is asked for
 */
export function openingFromShare(
  { taken }: OrderSurvey,
  share: number,
): ReadonlyMap<string, number> {
  return new Map(
    [...taken].map(([sku, units]) => [
      sku,
      // 0.29 × 100 is 28.999999999999996: a hair is added before rounding down.
      Math.min(Math.floor(units * share + 1e-9), maxQuantity),
    ]),
  );
}

/** Opening stock from a file; SKUs of the orders that it does not name begin with 0. */
export async function openingFromFile(
  io: CommandIo,
  { taken }: OrderSurvey,
  file: { readonly path: string; readonly store: string },
): Promise<ReadonlyMap<string, number>> {
  const figures = new Map<string, number>([...taken.keys()].map((sku) => [sku, 0]));
  const onBadRow = (line: number, problem: string): void => {
    remark(io, `${file.path} line ${line}: ${problem}`);
  };
  for await (const { sku, storeId, onHand } of readStockFile(file.path, file.store, onBadRow)) {
    // Figures of other stores are theirs.
    if (storeId === file.store) figures.set(sku, onHand);
  }
  return figures;
}
