import { z } from 'zod';
import type { InboundEvent, InboundLine } from '../adapter.ts';

const id = z.number();
const gid = z.string().optional();
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), { error: 'a time' });

const lineSchema = z.object({
  id,
  admin_graphql_api_id: gid,
  sku: z.string().nullish(),
  quantity: z.int().min(0),
  current_quantity: z.int().min(0).optional(),
});

const orderSchema = z.object({
  id,
  admin_graphql_api_id: gid,
  updated_at: time,
  cancelled_at: time.nullable().default(null),
  financial_status: z.string().nullable().default(null),
  fulfillment_status: z.string().nullable().default(null),
  location_id: id.nullable().default(null),
  line_items: z.array(lineSchema),
  refunds: z
    .array(
      z.object({
        refund_line_items: z
          .array(z.object({ line_item_id: id, quantity: z.int().min(0), restock_type: z.string() }))
          .default([]),
      }),
    )
    .default([]),
});

type Order = z.infer<typeof orderSchema>;

/** Not paid and not authorised: held, not sold. */
const unpaid: ReadonlySet<string> = new Set(['pending', 'voided', 'expired']);

/**
 * A whole order as Shopify tells it, in the state it is in.
 *
 * A line counts what is still to go out or has gone and will not come back: its current quantity
 * (which edits, removals and refunds lower) and what was refunded without being put back to stock.
 * A cancelled order of which something was not put back has sold that part.
 *
 * Shopify does not say from which location an order goes out; one made at a till names its own.
 * @param triggeredAt when Shopify sent it: orders what was updated within one second. May be absent
 */
export function orderOf(payload: unknown, triggeredAt: string | undefined): InboundEvent {
  const order = orderSchema.parse(payload);
  const updatedAt = new Date(order.updated_at);
  const lost = unitsNotRestocked(order);
  const isCancelled = order.cancelled_at !== null;
  const lines = order.line_items.map((line): InboundLine => {
    const notRestocked = Math.min(lost.get(line.id) ?? 0, line.quantity);
    const current = isCancelled ? 0 : (line.current_quantity ?? currentOf(order, line));
    return {
      lineId: numberOf(line.admin_graphql_api_id, line.id),
      listingKey: null,
      sku: line.sku || null,
      locationId: order.location_id === null ? null : `gid://shopify/Location/${order.location_id}`,
      quantity: Math.min(current + notRestocked, line.quantity),
    };
  });
  return {
    kind: 'order',
    orderId: numberOf(order.admin_graphql_api_id, order.id),
    status: statusOf(order, lines),
    revision: updatedAt.getTime() + laterMs(updatedAt, triggeredAt),
    occurredAt: updatedAt,
    lines,
  };
}

function statusOf(
  order: Order,
  lines: readonly InboundLine[],
): 'pending' | 'confirmed' | 'cancelled' {
  const isEmpty = lines.every(({ quantity }) => quantity === 0);
  if (order.cancelled_at !== null) return isEmpty ? 'cancelled' : 'confirmed';
  // What has left the house is sold, paid or not.
  const isHeld =
    unpaid.has(order.financial_status ?? 'pending') && order.fulfillment_status === null;
  return isHeld ? 'pending' : 'confirmed';
}

/** Units refunded and not put back, by line. */
function unitsNotRestocked(order: Order): ReadonlyMap<number, number> {
  return refunded(order, (type) => type === 'no_restock');
}

/** For payloads of before there was a current quantity. */
function currentOf(order: Order, line: Order['line_items'][number]): number {
  return Math.max(line.quantity - (refunded(order, () => true).get(line.id) ?? 0), 0);
}

function refunded(order: Order, counts: (restockType: string) => boolean): Map<number, number> {
  const units = new Map<number, number>();
  for (const { line_item_id: line, quantity, restock_type: type } of order.refunds.flatMap(
    ({ refund_line_items: lines }) => lines,
  )) {
    if (counts(type)) units.set(line, (units.get(line) ?? 0) + quantity);
  }
  return units;
}

/** `updated_at` has whole seconds: within one, what was sent later is newer. 0 to 999. */
function laterMs(updatedAt: Date, triggeredAt: string | undefined): number {
  const ms = Date.parse(triggeredAt ?? '') - updatedAt.getTime();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), 999);
}

/** Numbers may be longer than JSON's are exact; the text form is not. */
function numberOf(globalId: string | undefined, number: number): string {
  return /\/(\d+)$/.exec(globalId ?? '')?.[1] ?? String(number);
}
