import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { FetchOrderResult, InboundLine, InboundOrder, NamedOrder } from '../adapter.ts';
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
/** Of an order Square promises the location alone; one that says less is an order all the same. */
const orderSchema = z.object({
  location_id: z.string(),
  state: z.enum(['OPEN', 'COMPLETED', 'CANCELED', 'DRAFT']).nullish(),
  updated_at: time.nullish(),
  line_items: z.array(lineSchema).nullish(),
  tenders: z.array(z.unknown()).nullish(),
  net_amount_due_money: z.object({ amount: z.int().nullish() }).nullish(),
});
type Order = z.infer<typeof orderSchema>;

/**
 * Asks for an order. Square's webhooks only name it, so what is read here is how it is by now,
 * which may be newer than what the webhook was about.
 * @param toldAt when it changed, by the webhook: for an order that does not say
 */
export async function fetchOrder(
  client: HttpClient,
  { orderId, toldAt }: NamedOrder,
  context: SquareContext,
): Promise<FetchOrderResult> {
  const answer = await callSquare(client, context, {
    path: `/v2/orders/${encodeURIComponent(orderId)}`,
    data: z.object({ order: orderSchema.nullish() }),
  });
  if (answer.ok) {
    const { order } = answer.data;
    return { ok: true, order: order ? orderOf(order, { orderId, toldAt }) : null };
  }
  const isUnknown = answer.errors.some(({ code }) => code === 'NOT_FOUND');
  return isUnknown ? { ok: true, order: null } : { ok: false, failure: answer.failure };
}

/**
 * A whole order. Lines that are no item of the catalog, such as an amount that was typed in, have
 * no stock. Returns are orders of their own at Square and do not say whether something went back
 * to stock: what did, it counts, and tells with its counts.
 */
function orderOf(order: Order, { orderId, toldAt }: NamedOrder): InboundOrder | null {
  if (order.state === 'DRAFT') return null;
  // Not the time when it was made: of two of its states the newer one would not be known.
  const occurredAt = order.updated_at ?? toldAt;
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
    orderId,
    status: statusOf(order),
    // Orders of a till have no version.
    revision: occurredAt.getTime(),
    occurredAt,
    lines,
  };
}

/** An order without a state is open: that is what Square makes of one that is given none. */
function statusOf(order: Order): InboundOrder['status'] {
  if (order.state === 'CANCELED') return 'cancelled';
  if (order.state === 'COMPLETED') return 'confirmed';
  const isPaid = (order.tenders ?? []).length > 0 && order.net_amount_due_money?.amount === 0;
  return isPaid ? 'confirmed' : 'pending';
}
