import { createHash, createHmac } from 'node:crypto';
import type { EmulatedOrder } from './state.ts';

/** A webhook as Square sends it. */
export type SignedWebhook = {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type WebhookOptions = {
  readonly signatureKey: string;
  /** As the subscription has it. */
  readonly notificationUrl: string;
  /** The same on every retry. Default: made from the event. */
  readonly eventId?: string;
};

/** Signs an event: HMAC-SHA256 of the notification URL and the body's bytes, in base64. */
export function signedWebhook(
  event: { readonly type: string; readonly created_at: string; readonly data: unknown },
  { signatureKey, notificationUrl, eventId }: WebhookOptions,
): SignedWebhook {
  const id = createHash('sha256').update(JSON.stringify(event)).digest('hex').slice(0, 32);
  const whole = { merchant_id: 'MERCHANT-1', ...event, event_id: eventId ?? id };
  const body = Buffer.from(JSON.stringify(whole));
  const signature = sign(signatureKey, notificationUrl, body);
  return {
    headers: {
      'content-type': 'application/json',
      'x-square-hmacsha256-signature': signature,
    },
    body,
  };
}

/** That an order has changed: Square says which, and how far it is, but not what is in it. */
export function signedOrderWebhook(order: EmulatedOrder, options: WebhookOptions): SignedWebhook {
  const { id, location_id, state, version, updated_at } = order;
  const updated = { order_id: id, version, location_id, state, updated_at };
  return signedWebhook(
    {
      type: 'order.updated',
      created_at: updated_at,
      data: { type: 'order_updated', id, object: { order_updated: updated } },
    },
    options,
  );
}

/** That something was counted or sold, with what is there now. */
export function signedCountWebhook(
  count: {
    readonly catalogObjectId: string;
    readonly locationId: string;
    readonly quantity: string;
    readonly calculatedAt: Date;
    readonly state?: string;
  },
  options: WebhookOptions,
): SignedWebhook {
  const at = count.calculatedAt.toISOString();
  const counted = {
    calculated_at: at,
    catalog_object_id: count.catalogObjectId,
    catalog_object_type: 'ITEM_VARIATION',
    location_id: count.locationId,
    quantity: count.quantity,
    state: count.state ?? 'IN_STOCK',
  };
  return signedWebhook(
    {
      type: 'inventory.count.updated',
      created_at: at,
      data: { type: 'inventory_counts', id: 'E1', object: { inventory_counts: [counted] } },
    },
    options,
  );
}

/** The same webhook, signed by somebody who does not know the key. */
export function forged({ headers, body }: SignedWebhook, notificationUrl: string): SignedWebhook {
  const signature = sign('guessed', notificationUrl, body);
  return { headers: { ...headers, 'x-square-hmacsha256-signature': signature }, body };
}

function sign(key: string, notificationUrl: string, body: Buffer): string {
  return createHmac('sha256', key).update(notificationUrl).update(body).digest('base64');
}
