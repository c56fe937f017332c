import { orderCommandId, type ReplayOrder, type ReplayTarget } from './order.ts';
import { orderFingerprint } from './order.ts';
import { adjustStock, type Command, type LevelChange, type Provenance } from '../stock/index.ts';

/** Who changes stock when a file is replayed. */
export const actor = 'replay';

/**
 * Puts a cancellation's lines back, or takes off what a correction says is gone: facts, all lines
 * or none. Refusals: STORE.NOT_FOUND, STOCK.OUT_OF_RANGE, STOCK.INSUFFICIENT (less is on hand than
 * a correction takes off).
 */
export function changeCommand(target: ReplayTarget, order: ReplayOrder): Command {
  const commandId = orderCommandId(target, order);
  const sign = order.kind === 'correction' ? -1 : 1;
  const provenance: Provenance = {
    reason: order.kind,
    reference: order.orderId,
    actor,
    sourceChannel: null,
    occurredAt: order.at,
  };
  const changes = order.lines.map(({ sku, quantity }) =>
    adjustStock({
      level: { ...target, sku },
      request: { quantity: 'onHand', delta: sign * quantity, mode: 'fact' },
      provenance,
    }),
  );
  return {
    merchantId: target.merchantId,
    commandId,
    levelKeys: changes.flatMap(({ levelKeys }) => levelKeys),
    provenance,
    idempotencyKey: { key: `replay-${commandId}`, fingerprint: orderFingerprint(order) },
    decide(context) {
      // Each line is at another level, so none depends on what the others do.
      const together: LevelChange[] = [];
      for (const change of changes) {
        const decision = change.decide(context);
        if (decision.refusal !== undefined) return decision;
        together.push(...decision.changes);
      }
      return { changes: together, answer: () => ({ status: 200, body: '{}' }) };
    },
  };
}
