import { refuse, type Refusal } from '../errors.ts';
import type { QuantityChange } from './command.ts';
import {
  availableOf,
  effectOnAvailable,
  maxQuantity,
  viewLevel,
  type AdjustableQuantity,
  type Level,
  type LevelView,
} from './level.ts';

/**
 * Whether a change may leave less than nothing available. A guarded one is a wish and may not; a
 * fact has already happened, and the level is shown as oversold.
 */
export type Mode = 'guarded' | 'fact';

/** What the caller believes the level's version to be. */
export type Expectation = {
  /** From `If-Match`: any of these versions, or `*` for any level that exists. */
  readonly ifMatch?: readonly number[] | '*' | undefined;
  readonly expectedVersion?: number | undefined;
};

export type AdjustRequest = Expectation & {
  readonly quantity: AdjustableQuantity;
  /** −2,147,483,647 … 2,147,483,647 */
  readonly delta: number;
  readonly mode: Mode;
};

export type SetRequest = Expectation & {
  /** 0 … 2,147,483,647 */
  readonly onHand: number;
};

type StockDecision = Refusal | readonly QuantityChange[];

/** Tells a refusal from the changes of a decision. */
export function isRefusal(decision: StockDecision): decision is Refusal {
  return 'code' in decision;
}

/**
 * Changes one quantity of a level by a delta.
 *
 * Refusals, in this order: STORE.NOT_FOUND, STOCK.PRECONDITION_FAILED, STOCK.VERSION_CONFLICT,
 * STOCK.NOT_FOUND (nothing to change by nothing), STOCK.OUT_OF_RANGE, STOCK.INSUFFICIENT
 * (available, when guarded), STOCK.INSUFFICIENT (the quantity itself).
 */
export function decideAdjust(level: Level, request: AdjustRequest): StockDecision {
  const { quantity, delta, mode } = request;
  const refusal = guardLevel(level, request);
  if (refusal !== undefined) return refusal;
  if (!level.exists && delta === 0) return stockNotFound(level);

  const after = level[quantity] + delta;
  if (after > maxQuantity) {
    return refuse('STOCK.OUT_OF_RANGE', `${quantity} would exceed ${maxQuantity}.`, {
      current: level[quantity],
    });
  }
  const effect = effectOnAvailable[quantity] * delta;
  const available = availableOf(level);
  // A change that adds to an oversold level is welcome although it stays below zero.
  if (mode === 'guarded' && effect < 0 && available + effect < 0) {
    return insufficient(available, -effect, level);
  }
  if (after < 0) return insufficient(level[quantity], -delta, level);

  // From here on it must succeed.
  return [{ quantity, delta }];
}

/**
 * Sets on hand to a counted figure. A fact: `available` may fall below zero.
 * Refusals, in this order: STORE.NOT_FOUND, STOCK.PRECONDITION_FAILED, STOCK.VERSION_CONFLICT.
 */
export function decideSet(level: Level, request: SetRequest): StockDecision {
  const refusal = guardLevel(level, request);
  if (refusal !== undefined) return refusal;

  // From here on it must succeed. A count that confirms the figure is an entry too, with delta 0.
  return [{ quantity: 'onHand', delta: request.onHand - level.onHand }];
}

/** The guards that every change of a single level begins with. */
export function guardLevel(level: Level, expectation: Expectation): Refusal | undefined {
  if (!level.storeExists) return storeNotFound(level.storeId);
  const { ifMatch, expectedVersion } = expectation;
  if (ifMatch !== undefined) {
    const matches = ifMatch === '*' ? level.exists : ifMatch.includes(level.version);
    if (!matches || !level.exists) {
      return refuse('STOCK.PRECONDITION_FAILED', 'The level is not at the version in If-Match.', {
        level: viewExisting(level),
      });
    }
  }
  if (expectedVersion !== undefined && expectedVersion !== level.version) {
    return refuse('STOCK.VERSION_CONFLICT', `The level is at version ${level.version}.`, {
      expectedVersion,
      level: viewExisting(level),
    });
  }
  return undefined;
}

function viewExisting(level: Level): LevelView | null {
  return level.exists ? viewLevel(level) : null;
}

export function storeNotFound(storeId: string): Refusal {
  return refuse('STORE.NOT_FOUND', 'There is no such store.', { storeId });
}

export function stockNotFound(key: { sku: string; storeId: string }): Refusal {
  return refuse('STOCK.NOT_FOUND', 'This SKU has no stock level at this store.', {
    storeId: key.storeId,
    sku: key.sku,
  });
}

function insufficient(available: number, requested: number, level: Level): Refusal {
  return refuse('STOCK.INSUFFICIENT', `${requested} requested, ${available} available.`, {
    available,
    requested,
    storeId: level.storeId,
    sku: level.sku,
  });
}
