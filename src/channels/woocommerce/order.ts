import { z } from 'zod';
import type { InboundLine, InboundOrder } from '../adapter.ts';
import { lineKeyOf } from './settings.ts';

/** Times of WooCommerce are UTC and say so only in their name. */
export const gmtTime = z
  .string()
  .transform((text) => new Date(/Z$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`))
  .refine((date) => !Number.isNaN(date.getTime()), { error: 'a time' });

const metaSchema = z.object({ key: z.string(), value: z.unknown() });
const lineSchema = z.object({
  id: z.int(),
  product_id: z.int(),
  variation_id: z.int().default(0),
  sku: z.string().nullish(),
  quantity: z.int().min(0),
  meta_data: z.array(metaSchema).default([]),
});
const orderSchema = z.object({
  id: z.int(),
  status: z.string(),
  date_modified_gmt: gmtTime,
  line_items: z.array(lineSchema),
});

/** Where WooCommerce notes how many units of a line a refund has put back to stock. */
const restockedKey = '_restock_refunded_items';

/**
 * How far an order has come in each state. The shop's times have whole seconds, and a checkout goes
 * through several states in one: within a second the later state is the newer one.
 */
const stages: Readonly<Record<string, number>> = {
  pending: 1,
  'on-hold': 2,
  failed: 3,
  processing: 5,
  completed: 6,
  cancelled: 8,
  refunded: 8,
};
/** States of plugins lie between paid and completed. */
const pluginStage = 5;

/** Carts that are being filled, and what lies in the bin: both say nothing about what was sold. */
const untold: ReadonlySet<string> = new Set(['checkout-draft', 'auto-draft', 'draft', 'trash']);

/**
 * A whole order as WooCommerce tells it; undefined where its state says nothing about stock.
 *
 * A line counts what was ordered, less what a refund has put back to stock: what was refunded and
 * not put back stays sold, in refunded orders too.
 */
export function orderOf(payload: unknown): InboundOrder | undefined {
  const order = orderSchema.parse(payload);
  if (untold.has(order.status)) return undefined;
  const isCancelled = order.status === 'cancelled' || order.status === 'failed';
  const lines = order.line_items.map((line): InboundLine => {
    const { product_id: productId, variation_id: variationId } = line;
    return {
      lineId: String(line.id),
      listingKey:
        productId === 0 ? null : lineKeyOf({ productId, variationId: variationId || undefined }),
      sku: line.sku ? line.sku : null,
      locationId: null,
      quantity: isCancelled ? 0 : Math.max(line.quantity - restockedOf(line), 0),
    };
  });
  const { date_modified_gmt: occurredAt } = order;
  const restocked = order.line_items.reduce((sum, line) => sum + restockedOf(line), 0);
  const stage = stages[order.status] ?? pluginStage;
  return {
    kind: 'order',
    orderId: String(order.id),
    status: isCancelled ? 'cancelled' : statusOf(order.status, lines),
    revision: occurredAt.getTime() + stage * 100 + Math.min(restocked, 99),
    occurredAt,
    lines,
  };
}

function statusOf(status: string, lines: readonly InboundLine[]): InboundOrder['status'] {
  if (status === 'pending' || status === 'on-hold') return 'pending';
  const isEmpty = lines.every(({ quantity }) => quantity === 0);
  return status === 'refunded' && isEmpty ? 'cancelled' : 'confirmed';
}

function restockedOf({ meta_data: meta }: z.infer<typeof lineSchema>): number {
  const note = meta.find(({ key }) => key === restockedKey)?.value;
  const units = typeof note === 'string' || typeof note === 'number' ? Number(note) : 0;
  return Number.isFinite(units) ? Math.max(Math.floor(units), 0) : 0;
}
