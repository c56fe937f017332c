import { refuse, type Refusal } from '../errors.ts';
import { fingerprint } from '../idempotency/index.ts';
import { adjustStock, setStock } from '../stock/index.ts';
import type { AdjustableQuantity, Command, Mode } from '../stock/index.ts';
import type { Caller } from './context.ts';

type Change = {
  readonly storeId: string;
  readonly sku: string;
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
  readonly sourceChannel?: string | undefined;
  readonly expectedVersion?: number | undefined;
  readonly occurredAt?: Date | undefined;
};

export type Adjust = Change & {
  readonly delta: number;
  readonly quantity: AdjustableQuantity;
  readonly mode: Mode;
};

export type SetOnHand = Change & { readonly onHand: number };

type Request = {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly ifMatch?: readonly number[] | '*' | undefined;
};

/**
 * The command behind every way to ask for an adjustment. The fingerprint is of what is asked and
 * not of how: the same adjustment in a bulk request or an event is the same request.
 */
export function adjustCommand(request: Request, change: Adjust): Command {
  const { delta, quantity, mode, expectedVersion } = change;
  const { ifMatch } = request;
  return adjustStock({
    level: levelKey(request, change),
    request: { delta, quantity, mode, ifMatch, expectedVersion },
    provenance: provenance(request, change),
    idempotencyKey: keyed(request, () => [
      'adjust',
      quantity,
      delta,
      mode,
      ...sharedParts(request, change),
    ]),
  });
}

/** The command behind every way to set on hand to a counted figure. */
export function setCommand(request: Request, change: SetOnHand): Command {
  const { onHand, expectedVersion } = change;
  return setStock({
    level: levelKey(request, change),
    request: { onHand, ifMatch: request.ifMatch, expectedVersion },
    provenance: provenance(request, change),
    idempotencyKey: keyed(request, () => ['set', onHand, ...sharedParts(request, change)]),
  });
}

/** The key of a command with the fingerprint of its parts; undefined without a key. */
export function keyed(
  { idempotencyKey }: Pick<Request, 'idempotencyKey'>,
  parts: () => readonly unknown[],
): { key: string; fingerprint: string } | undefined {
  if (idempotencyKey === undefined) return undefined;
  return { key: idempotencyKey, fingerprint: fingerprint(...parts()) };
}

function sharedParts({ ifMatch }: Request, change: Change): unknown[] {
  const { storeId, sku, reason, reference, sourceChannel, expectedVersion, occurredAt } = change;
  return [storeId, sku, reason, reference, sourceChannel, expectedVersion, occurredAt, ifMatch];
}

function levelKey({ caller }: Request, { sku, storeId }: Change) {
  return { merchantId: caller.merchantId, sku, storeId };
}

function provenance({ caller }: Request, change: Change) {
  return {
    reason: change.reason ?? null,
    reference: change.reference ?? null,
    actor: caller.keyId,
    sourceChannel: change.sourceChannel ?? null,
    occurredAt: change.occurredAt ?? null,
  };
}

export function skuNotFound(sku: string): Refusal {
  return refuse('STOCK.NOT_FOUND', 'This SKU has no stock level.', { sku });
}
