import { randomUUID } from 'node:crypto';
import type { Answer, Command, Decision, Provenance } from './command.ts';
import { guardLevel, stockNotFound } from './decide.ts';
import { availableOf, maxQuantity, type Level, type LevelKey } from './level.ts';

/**
 * Sets the safety stock of a level to what a policy wants, as far as that much is free: a policy
 * never leaves less than nothing available. A figure that is there already leaves no entry.
 *
 * Refusals, in this order: STORE.NOT_FOUND, STOCK.NOT_FOUND.
 * @param input.wanted units, 0 or more, by the level as it is when this is decided
 */
export function keepBack(input: {
  readonly level: LevelKey;
  readonly wanted: (level: Readonly<Level>) => number;
  readonly provenance: Provenance;
}): Command {
  return {
    merchantId: input.level.merchantId,
    commandId: randomUUID(),
    levelKeys: [input.level],
    provenance: input.provenance,
    decide(context): Decision {
      const level = context.level(input.level);
      const refusal = guardLevel(level, {});
      if (refusal !== undefined) return { refusal };
      if (!level.exists) return { refusal: stockNotFound(level) };

      // From here on it must succeed.
      const free = availableOf(level) + level.safetyStock;
      const delta = keptUnits(input.wanted(level), free) - level.safetyStock;
      if (delta === 0) return { changes: [], answer };
      return { changes: [{ level, changes: [{ quantity: 'safetyStock', delta }] }], answer };
    },
  };
}

function answer(): Answer {
  return { status: 200, body: '' };
}

/** What is kept of what a policy wants: no more than is free, and never less than nothing. */
export function keptUnits(wanted: number, free: number): number {
  return Math.max(0, Math.min(wanted, free, maxQuantity));
}
