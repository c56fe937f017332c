import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { FetchOrderResult, InboundLine, InboundOrder } from '../adapter.ts';
import { callSquare } from './call-square.ts';
import { keyOfIds, type SquareContext } from './settings.ts';

export const time = z
  .string()
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()), { error: 'a time' });

const lineSchema = z.object({
  uid: z.string().nullish(),
  catalog_object_id: z.string().nullish(),
  quantity: z.string().regex(/^\d+(\.\d+)?$/),
});
const orderSchema = z.object({
  id: z.string(),
  location_id: z.string(),
  state: z.enum(['OPEN', 'COMPLETED', 'CANCELED', 'DRAFT']),
  updated_at: time,
  line_items: z.array(lineSchema).nullish(),
  tenders: z.array(z.unknown()).nullish(),
  net_amount_due_money: z.object({ amount: z.int().nullish() }).nullish(),
});
type Order = z.infer<typeof orderSchema>;

/**
 * Asks for an order. Square's webhooks only name it, so what is read here is how it is by now,
 * which may be newer than what the webhook was about.
 */
export async function fetchOrder(
  client: HttpClient,
  orderId: string,
  context: SquareContext,
): Promise<FetchOrderResult> {
  const answer = await callSquare(client, context, {
    path: `/v2/orders/${encodeURIComponent(orderId)}`,
    data: z.object({ order: orderSchema.nullish() }),
  });
  if (answer.ok) return { ok: true, order: answer.data.order ? orderOf(answer.data.order) : null };
  const isUnknown = answer.errors.some(({ code }) => code === 'NOT_FOUND');
  return isUnknown ? { ok: true, order: null } : { ok: false, failure: answer.failure };
}

/**
 * A whole order. Lines that are no item of the catalog, such as an amount that was typed in, have
 * no stock. Returns are orders of their own at Square and do not say whether something went back
 * to stock: what did, it counts, and tells with its counts.
 */
function orderOf(order: Order): InboundOrder | null {
  if (order.state === 'DRAFT') return null;
  const isCancelled = order.state === 'CANCELED';
  const lines = (order.line_items ?? []).flatMap((line, index): InboundLine[] => {
    const { catalog_object_id: catalogObjectId } = line;
    if (!catalogObjectId) return [];
    return [
      {
        lineId: line.uid ?? String(index),
        listingKey: keyOfIds({ catalogObjectId, locationId: order.location_id }),
        sku: null,
        locationId: order.location_id,
        // What is weighed takes a whole unit of what is counted.
        quantity: isCancelled ? 0 : Math.ceil(Number(line.quantity)),
      },
    ];
  });
  return {
    kind: 'order',
    orderId: order.id,
    status: statusOf(order),
    // Orders of a till have no version.
    revision: order.updated_at.getTime(),
    occurredAt: order.updated_at,
    lines,
  };
}

function statusOf(order: Order): InboundOrder['status'] {
  if (order.state === 'CANCELED') return 'cancelled';
  if (order.state === 'COMPLETED') return 'confirmed';
  const isPaid = (order.tenders ?? []).length > 0 && order.net_amount_due_money?.amount === 0;
  return isPaid ? 'confirmed' : 'pending';
}
