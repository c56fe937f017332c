import { randomUUID } from 'node:crypto';
import type { Command, IdempotencyKey, Provenance, QuantityChange } from './command.ts';
import {
  decideAdjust,
  decideSet,
  isRefusal,
  type AdjustRequest,
  type SetRequest,
} from './decide.ts';
import { viewLevel, type Level, type LevelKey } from './level.ts';
import type { Refusal } from '../errors.ts';

type ChangeInput<R> = {
  readonly level: LevelKey;
  readonly request: R;
  readonly provenance: Provenance;
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/**
 * Changes one quantity by a delta; answered with 200 and the level. A first positive change creates
 * the level. Refusals: those of `decideAdjust`.
 */
export function adjustStock(input: ChangeInput<AdjustRequest>): Command {
  return levelCommand(input, decideAdjust, { isCount: false, status: () => 200 });
}

/**
 * Sets on hand to a counted figure; answered with the level, 201 when this created it, else 200.
 * Refusals: those of `decideSet`.
 */
export function setStock(input: ChangeInput<SetRequest>): Command {
  return levelCommand(input, decideSet, { isCount: true, status: (isOld) => (isOld ? 200 : 201) });
}

function levelCommand<R>(
  input: ChangeInput<R>,
  decide: (level: Level, request: R) => Refusal | readonly QuantityChange[],
  { isCount, status }: { readonly isCount: boolean; readonly status: (existed: boolean) => number },
): Command {
  return {
    merchantId: input.level.merchantId,
    commandId: randomUUID(),
    levelKeys: [input.level],
    provenance: input.provenance,
    idempotencyKey: input.idempotencyKey,
    decide(context) {
      const level = context.level(input.level);
      const existed = level.exists;
      const decision = decide(level, input.request);
      if (isRefusal(decision)) return { refusal: decision };
      return {
        changes: [{ level, changes: decision, isCount }],
        answer: () => ({ status: status(existed), body: JSON.stringify(viewLevel(level)) }),
      };
    },
  };
}
