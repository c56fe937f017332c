import { DatabaseUnavailable } from '../errors.ts';
import {
  putLocation,
  getLocation,
  setStock,
  type Command,
  type StockWriter,
} from '../stock/index.ts';
import type { Db } from '../db/index.ts';
import { actor } from './change-command.ts';
import type { ReplayTarget } from './order.ts';

export type OpeningReport = {
  /** SKUs that got their opening stock now. */
  readonly opened: number;
  /** SKUs that had a stock level already, which stays as it is. */
  readonly left: number;
};

/**
 * Gives each SKU its opening stock, once: a SKU that has a level at the store keeps it. So a run
 * that was interrupted goes on, and a second run changes nothing. Creates the store.
 */
export async function openStock(
  db: Db,
  writer: StockWriter,
  target: ReplayTarget,
  figures: ReadonlyMap<string, number>,
): Promise<OpeningReport> {
  if ((await getLocation(db, target.merchantId, target.storeId)) === undefined) {
    await putLocation(db, target);
  }
  let opened = 0;
  let left = 0;
  const commands = [...figures].map(([sku, onHand]) => openLevel(target, sku, onHand));
  for (let from = 0; from < commands.length; from += 500) {
    for (const outcome of await writer.submit(commands.slice(from, from + 500))) {
      if (outcome.kind !== 'refused') opened += 1;
      else if (outcome.refusal.code === 'STOCK.VERSION_CONFLICT') left += 1;
      else throw new DatabaseUnavailable(outcome.refusal.detail);
    }
  }
  return { opened, left };
}

function openLevel(target: ReplayTarget, sku: string, onHand: number): Command {
  return setStock({
    level: { ...target, sku },
    // Version 0 is that of a level which is not there.
    request: { onHand, expectedVersion: 0 },
    provenance: {
      reason: 'opening',
      reference: 'replay:opening',
      actor,
      sourceChannel: null,
      occurredAt: null,
    },
  });
}
