import { z } from 'zod';
import type { Authentication, InboundEvent, InboundWebhook } from '../adapter.ts';
import { verifyWebhook } from './signature.ts';

const id = z.string().min(1).max(255);
const line = z.object({
  lineId: id.optional(),
  storeId: z.string().min(1).max(128),
  sku: z.string().min(1).max(128),
  quantity: z.int().min(0).max(2_147_483_647),
});

/** An order of a merchant's own shop, in the words of our events; always the whole order. */
const message = z.object({
  type: z.enum(['order.pending', 'order.confirmed', 'order.cancelled']),
  timestamp: z.iso.datetime({ offset: true }),
  data: z.object({
    orderId: id,
    /** Orders states of one order; the message's time when absent. */
    revision: z.int().min(0).optional(),
    lines: z.array(line).max(2_000).default([]),
  }),
});

/** Whether a message was signed with the channel's own secret, after Standard Webhooks. */
export function authenticate(
  { headers, body }: InboundWebhook,
  secret: string,
  now: Date,
): Authentication {
  const webhookId = headers['webhook-id'];
  if (webhookId === undefined || webhookId === '' || webhookId.length > 255) return { ok: false };
  const refusal = verifyWebhook(
    secret,
    {
      id: webhookId,
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
      body,
    },
    now,
  );
  return refusal === undefined ? { ok: true, webhookId, topic: 'order' } : { ok: false };
}

/** The order that a message tells. Throws for what is no such message. */
export function translate(body: Buffer): readonly InboundEvent[] {
  const { type, timestamp, data } = message.parse(JSON.parse(body.toString('utf8')));
  const occurredAt = new Date(timestamp);
  return [
    {
      kind: 'order',
      orderId: data.orderId,
      status:
        type === 'order.pending'
          ? 'pending'
          : type === 'order.confirmed'
            ? 'confirmed'
            : 'cancelled',
      revision: data.revision ?? occurredAt.getTime(),
      occurredAt,
      lines: data.lines.map(({ lineId, storeId, sku, quantity }) => ({
        lineId: lineId ?? `${storeId}/${sku}`,
        listingKey: null,
        sku,
        locationId: storeId,
        quantity,
      })),
    },
  ];
}
