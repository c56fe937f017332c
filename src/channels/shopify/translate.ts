import { z } from 'zod';
import type { InboundEvent, InboundWebhook } from '../adapter.ts';
import { id, orderOf, time, timeOf } from './order.ts';
import { refundOf } from './refund.ts';
import { keyOfIds } from './settings.ts';

/** Topics whose body is the whole order. */
const orderTopics: ReadonlySet<string> = new Set([
  'orders/create',
  'orders/updated',
  'orders/paid',
  'orders/cancelled',
  'orders/fulfilled',
  'orders/partially_fulfilled',
]);

const levelSchema = z.object({
  inventory_item_id: z.number(),
  location_id: z.number(),
  admin_graphql_api_id: z.string().default(''),
  /** Null of what Shopify does not count. */
  available: z.int().nullable(),
  updated_at: time,
});

const editSchema = z.object({
  order_edit: z.object({ order_id: id, committed_at: time.optional() }),
});

/**
 * What a webhook tells. Throws for a body that is not what its topic promises.
 *
 * `orders/edited` carries how many units of which lines came and went, and nothing else of them:
 * the order has to be asked for.
 * `app/uninstalled` says nothing about stock; the next call is answered 401 and pauses the channel.
 * Topics of which nothing follows for stock may be subscribed to and are ignored.
 */
export function translate(
  topic: string,
  { headers, body }: Pick<InboundWebhook, 'headers' | 'body'>,
): readonly InboundEvent[] {
  const triggeredAt = headers['x-shopify-triggered-at'] ?? headers['shopify-triggered-at'];
  if (orderTopics.has(topic)) return [orderOf(read(body), triggeredAt)];
  if (topic === 'refunds/create') return refundOf(read(body), triggeredAt);
  if (topic === 'orders/edited') return [editOf(read(body), triggeredAt)];
  if (topic === 'inventory_levels/update' || topic === 'inventory_levels/connect') {
    return shownOf(read(body));
  }
  return [];
}

function read(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8')) as unknown;
}

function editOf(payload: unknown, triggeredAt: string | undefined): InboundEvent {
  const { order_id: orderId, committed_at: at } = editSchema.parse(payload).order_edit;
  const occurredAt = timeOf(at, triggeredAt);
  return { kind: 'order_changed', orderId: String(orderId), occurredAt };
}

function shownOf(payload: unknown): readonly InboundEvent[] {
  const level = levelSchema.parse(payload);
  if (level.available === null) return [];
  // The same number as text: JSON's may be longer than they are exact.
  const exact = /[?&]inventory_item_id=(\d+)$/.exec(level.admin_graphql_api_id)?.[1];
  return [
    {
      kind: 'shown',
      listingKey: keyOfIds({
        inventoryItemId: `gid://shopify/InventoryItem/${exact ?? level.inventory_item_id}`,
        locationId: `gid://shopify/Location/${level.location_id}`,
      }),
      quantity: level.available,
      occurredAt: new Date(level.updated_at),
    },
  ];
}
