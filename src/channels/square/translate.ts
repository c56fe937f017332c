import { z } from 'zod';
import type { InboundEvent } from '../adapter.ts';
import { time } from './order.ts';
import { countSchema, inStock, keyOfCount } from './read-counts.ts';

const orderId = z.string().min(1);
const orderEvent = z.object({
  created_at: time,
  data: z.object({
    object: z.object({
      order_created: z.object({ order_id: orderId, created_at: time.nullish() }).nullish(),
      order_updated: z.object({ order_id: orderId, updated_at: time.nullish() }).nullish(),
    }),
  }),
});
const countEvent = z.object({
  created_at: time,
  data: z.object({ object: z.object({ inventory_counts: z.array(countSchema) }) }),
});

/**
 * What a webhook tells. Throws for a body that is not what its topic promises.
 *
 * Orders are only named, and have to be asked for. What is sold at a till is told as a new count,
 * not as an order: Square sends `order.created` only for orders made through its API.
 */
export function translate(topic: string, body: Buffer): readonly InboundEvent[] {
  if (topic === 'order.created' || topic === 'order.updated') return changedOf(read(body));
  if (topic === 'inventory.count.updated') return shownOf(read(body));
  return [];
}

function read(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8')) as unknown;
}

function changedOf(payload: unknown): readonly InboundEvent[] {
  const { created_at: sentAt, data } = orderEvent.parse(payload);
  const { order_created: made, order_updated: changed } = data.object;
  const order = changed ?? made;
  if (!order) throw new TypeError('the event names no order');
  const occurredAt = (changed ? changed.updated_at : made?.created_at) ?? sentAt;
  return [{ kind: 'order_changed', orderId: order.order_id, occurredAt }];
}

function shownOf(payload: unknown): readonly InboundEvent[] {
  const { created_at: sentAt, data } = countEvent.parse(payload);
  const { inventory_counts: counts } = data.object;
  const times = new Map(counts.map((count) => [keyOfCount(count), count.calculated_at]));
  return [...inStock(counts)].map(([listingKey, quantity]) => {
    const at = times.get(listingKey);
    const occurredAt = at === undefined ? sentAt : time.parse(at);
    return { kind: 'shown', listingKey, quantity, occurredAt };
  });
}
