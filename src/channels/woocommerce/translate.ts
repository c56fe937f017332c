import { z } from 'zod';
import type { InboundEvent } from '../adapter.ts';
import { gmtTime, orderOf } from './order.ts';

const orderTopics: ReadonlySet<string> = new Set([
  'order.created',
  'order.updated',
  'order.restored',
]);

/** Variations are products too, in webhooks. */
const productSchema = z.object({
  id: z.int(),
  date_modified_gmt: gmtTime,
  manage_stock: z.union([z.boolean(), z.literal('parent')]).default(false),
  stock_quantity: z.number().nullable().default(null),
});

/**
 * What a webhook tells. Throws for a body that is not what its topic promises.  `order.deleted`
 * says only which order it was. It tells nothing: shops clear away old orders, and what was sold
 * in them stays sold. Cancel an order before deleting it, and its stock is given back.
 */
export function translate(topic: string, body: Buffer): readonly InboundEvent[] {
  if (orderTopics.has(topic)) {
    const order = orderOf(read(body));
    return order === undefined ? [] : [order];
  }
  if (topic === 'product.created' || topic === 'product.updated') return shownOf(read(body));
  return [];
}

function read(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8')) as unknown;
}

function shownOf(payload: unknown): readonly InboundEvent[] {
  const product = productSchema.parse(payload);
  const { id, manage_stock: isManaged, stock_quantity: quantity } = product;
  if (isManaged !== true || quantity === null) return [];
  return [
    {
      kind: 'shown',
      listingKey: String(id),
      quantity: Math.floor(quantity),
      occurredAt: product.date_modified_gmt,
    },
  ];
}
