import { z } from 'zod';
import type { InboundLine, InboundOrder } from '../adapter.ts';

export const id = z.number();
export const gid = z.string().optional();
export const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'a time' });

const lineSchema = z.object({
  id,
  admin_graphql_api_id: gid,
  variant_id: id.nullish(),
  sku: z.string().nullish(),
  quantity: z.int().min(0),
  current_quantity: z.int().min(0).optional(),
});

export const refundLineSchema = z.object({
  line_item_id: id,
  quantity: z.int().min(0),
  // Where it does not say, nothing was put back.
  restock_type: z
    .string()
    .nullish()
    .transform((type) => type ?? 'no_restock'),
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
        id: id.optional(),
        admin_graphql_api_id: gid,
        refund_line_items: z.array(refundLineSchema).default([]),
      }),
    )
    .optional(),
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
 *
 * Its times have whole seconds. Within one the state that has come further is the newer one, and of
 * two that are as far the one that was sent later.
 * @param triggeredAt when Shopify sent it; may be absent
 */
export function orderOf(payload: unknown, triggeredAt: string | undefined): InboundOrder {
  const order = orderSchema.parse(payload);
  const updatedAt = new Date(order.updated_at);
  const lost = unitsNotRestocked(order);
  const isCancelled = order.cancelled_at !== null;
  const lines = order.line_items.filter(isOfStock).map((line): InboundLine => {
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
    revision: updatedAt.getTime(),
    progress: stepsOf(order) + laterMs(updatedAt, triggeredAt) / 1_000,
    ...refundsToldBy(order),
    occurredAt: updatedAt,
    lines,
  };
}

/** Tips, gift cards and what staff made up for one order are of no product kept in stock. */
function isOfStock({ variant_id: variantId, sku }: Order['line_items'][number]): boolean {
  // Where it is not said, nobody knows.
  return variantId !== null || Boolean(sku);
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
  for (const { line_item_id: line, quantity, restock_type: type } of (order.refunds ?? []).flatMap(
    ({ refund_line_items: lines }) => lines,
  )) {
    if (counts(type)) units.set(line, (units.get(line) ?? 0) + quantity);
  }
  return units;
}

/**
 * How much has become of an order: units that were ordered or added, units that were removed or
 * refunded, and whether it is cancelled. None of them ever goes back.
 */
function stepsOf(order: Order): number {
  let steps = order.cancelled_at === null ? 0 : 1;
  for (const line of order.line_items) {
    const current = line.current_quantity ?? currentOf(order, line);
    steps += line.quantity + (line.quantity - current);
  }
  return steps;
}

/**
 * The refunds that the lines count. A subscription may leave refunds out: where something was
 * removed then, nobody knows which, and all that are known are taken to be among it.
 */
function refundsToldBy(order: Order): { readonly refundIds?: readonly string[] } {
  if (order.refunds === undefined) return isUntouched(order) ? { refundIds: [] } : {};
  return {
    refundIds: order.refunds.flatMap(({ id: number, admin_graphql_api_id: globalId }) => {
      return number === undefined ? [] : [numberOf(globalId, number)];
    }),
  };
}

function isUntouched(order: Order): boolean {
  return order.line_items.every(({ quantity, current_quantity: current }) => {
    return (current ?? quantity) === quantity;
  });
}

/** How long after the second of its last change it was sent, in ms: 0 to 999. */
function laterMs(updatedAt: Date, triggeredAt: string | undefined): number {
  const ms = Date.parse(triggeredAt ?? '') - updatedAt.getTime();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), 999);
}

/** When something was, by its own time or by when Shopify sent it. */
export function timeOf(own: string | undefined, triggeredAt: string | undefined): Date {
  const at = new Date(own ?? triggeredAt ?? '');
  return Number.isNaN(at.getTime()) ? new Date() : at;
}

/** Numbers may be longer than JSON's are exact; the text form is not. */
export function numberOf(globalId: string | undefined, number: number): string {
  return /\/(\d+)$/.exec(globalId ?? '')?.[1] ?? String(number);
}
