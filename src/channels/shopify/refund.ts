import { z } from 'zod';
import type { InboundEvent } from '../adapter.ts';
import { gid, id, numberOf, refundLineSchema, time, timeOf } from './order.ts';

const refundSchema = z.object({
  id,
  admin_graphql_api_id: gid,
  order_id: id,
  created_at: time.optional(),
  refund_line_items: z
    .array(
      refundLineSchema.extend({
        line_item: z.object({ admin_graphql_api_id: gid }).nullish(),
      }),
    )
    .default([]),
});

/**
 * What a refund put back to stock; nothing where it put nothing back: such units stay sold.
 * @param triggeredAt when Shopify sent it, for its time where it has none
 */
export function refundOf(
  payload: unknown,
  triggeredAt: string | undefined,
): readonly InboundEvent[] {
  const refund = refundSchema.parse(payload);
  const lines = refund.refund_line_items
    .filter(({ restock_type: type, quantity }) => type !== 'no_restock' && quantity > 0)
    .map(({ line_item_id: number, line_item: line, quantity }) => {
      return { lineId: numberOf(line?.admin_graphql_api_id, number), quantity };
    });
  if (lines.length === 0) return [];
  return [
    {
      kind: 'refund',
      orderId: String(refund.order_id),
      refundId: numberOf(refund.admin_graphql_api_id, refund.id),
      occurredAt: timeOf(refund.created_at, triggeredAt),
      lines,
    },
  ];
}
