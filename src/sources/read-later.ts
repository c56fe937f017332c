import { laterUnits, type LaterUnits, type LevelKey, type StockDesk } from '../stock/index.ts';
import type { PoolClient } from 'pg';
import { orderOf } from './item-order.ts';
import { placeOf, type Known, type KnownMovement } from './known.ts';
import type { SourceItem } from './source.ts';

/** The actor of what a source changes: entries of its own that its figures know. */
export function actorOf(sourceId: string): string {
  return `source:${sourceId}`;
}

/** The reason of its movements. */
export const movementReason = 'source.adjust';

export type LaterInput = {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly known: Known;
  readonly desk: StockDesk;
  /** Figures, each with the time before it was read: nothing was observed later. */
  readonly asked: readonly { readonly item: SourceItem; readonly readAt: Date }[];
};

/**
 * What comes on top of each figure: orders and tills since, which the source cannot have known, by
 * the ledger; and the source's own movements that are newer, by its own order of things. Null: some
 * of it is archived.
 */
export async function readLater(
  client: PoolClient,
  { merchantId, sourceId, known, desk, asked }: LaterInput,
): Promise<readonly (LaterUnits | null)[]> {
  const later = await laterUnits(
    client,
    asked.map(({ item, readAt }) => {
      const level: LevelKey = { merchantId, sku: item.sku, storeId: item.storeId };
      const { version, updatedAtMs } = desk.level(level);
      return {
        level,
        version,
        updatedAtMs,
        quantity: item.quantity,
        since: item.observedAt < readAt ? item.observedAt : readAt,
        knownActor: actorOf(sourceId),
        movementReason,
        firstVersion: known.figures.get(placeOf(item))?.firstVersion ?? null,
      };
    }),
  );
  return asked.map(({ item }, index) => {
    const one = later[index] ?? null;
    // On a count comes what was recorded after it: the source's own movements are among that.
    if (one === null || one.counted !== null) return one;
    const own = (known.moved.get(placeOf(item)) ?? []).filter((moved) => isAfter(moved, item));
    return { ...one, units: own.reduce((units, { value }) => units + value, one.units) };
  });
}

/** Whether a figure cannot have a movement of its own source in it. */
export function isAfter(movement: KnownMovement, figure: SourceItem): boolean {
  // A read that does not show a place knows whatever the source had told before.
  if (figure.missingIn !== undefined) return movement.recordedAt > figure.observedAt;
  return orderOf(movement, figure) === 'newer';
}
