import { randomUUID } from 'node:crypto';
import { refuse } from '../errors.ts';
import type { Answer, Command, Decision, Provenance } from './command.ts';
import { guardLevel } from './decide.ts';
import type { LaterUnits } from './later-units.ts';
import { maxQuantity, type AdjustableQuantity, type LevelKey } from './level.ts';

/**
 * Brings one quantity to a figure that somebody else reports, with what was recorded since on top.
 * A fact: `available` may fall below zero, and the quantity itself ends at zero at the least. A
 * figure that changes nothing leaves no entry, but creates the level where there is none.
 *
 * Refusals, in this order: STORE.NOT_FOUND, STOCK.OUT_OF_RANGE.
 * @param input.value −2,147,483,647 … 2,147,483,647; a book figure may be below zero
 * @param input.later what was recorded after the figure was true (`laterUnits`)
 */
export function takeFigure(input: {
  readonly level: LevelKey;
  readonly quantity: AdjustableQuantity;
  readonly value: number;
  readonly later: LaterUnits;
  readonly provenance: Provenance;
}): Command {
  const { quantity, value, later } = input;
  return {
    merchantId: input.level.merchantId,
    commandId: randomUUID(),
    levelKeys: [input.level],
    provenance: input.provenance,
    decide(context): Decision {
      const level = context.level(input.level);
      const refusal = guardLevel(level, {});
      if (refusal !== undefined) return { refusal };
      const figure = figureNow(value, later);
      if (figure > maxQuantity) {
        const detail = `${quantity} would exceed ${maxQuantity}.`;
        return { refusal: refuse('STOCK.OUT_OF_RANGE', detail, { current: level[quantity] }) };
      }

      // From here on it must succeed.
      const delta = figure - level[quantity];
      if (delta === 0 && level.exists) return { changes: [], answer };
      return { changes: [{ level, changes: [{ quantity, delta }] }], answer };
    },
  };
}

function answer(): Answer {
  return { status: 200, body: '' };
}

/** What a figure comes to with what was recorded since; never below zero. */
export function figureNow(value: number, { counted, units }: LaterUnits): number {
  return Math.max(0, (counted ?? value) + units);
}
