import { createHmac } from 'node:crypto';
import { schemaVersion } from './schema.ts';
import type { EmulatedOrder } from './orders.ts';

/** A webhook as Shopify sends it. */
export type SignedWebhook = {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type WebhookOptions = {
  readonly topic: string;
  /** The app's client secret. */
  readonly secret: string;
  readonly shopDomain?: string;
  /** The delivery's id: the same when it is sent again. Default: made from topic and body. */
  readonly webhookId?: string;
  readonly eventId?: string;
  readonly triggeredAt?: Date;
};

/** Signs a payload: HMAC-SHA256 of the body's bytes with the app's secret, in base64. */
export function signedWebhook(payload: unknown, options: WebhookOptions): SignedWebhook {
  const { topic, secret, shopDomain = 'onhand-test.myshopify.com' } = options;
  const body = Buffer.from(JSON.stringify(payload));
  const fingerprint = createHmac('sha256', topic).update(body).digest('hex').slice(0, 32);
  const triggeredAt = options.triggeredAt?.toISOString();
  return {
    headers: {
      'content-type': 'application/json',
      'x-shopify-topic': topic,
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
      'x-shopify-shop-domain': shopDomain,
      'x-shopify-api-version': schemaVersion,
      'x-shopify-webhook-id': options.webhookId ?? fingerprint,
      'x-shopify-event-id': options.eventId ?? fingerprint,
      ...(triggeredAt === undefined ? {} : { 'x-shopify-triggered-at': triggeredAt }),
    },
    body,
  };
}

/** A webhook with the whole order, by default that it was updated. */
export function signedOrderWebhook(
  order: EmulatedOrder,
  secret: string,
  options: Partial<Omit<WebhookOptions, 'secret'>> = {},
): SignedWebhook {
  return signedWebhook(orderPayload(order), { topic: 'orders/updated', ...options, secret });
}

/** The order as the REST resource that webhooks carry: the members that tell of stock. */
export function orderPayload(order: EmulatedOrder): Record<string, unknown> {
  const refunds = order.refunds.map((_, index) => refundPayload(order, index));
  return {
    id: order.id,
    admin_graphql_api_id: `gid://shopify/Order/${order.id}`,
    updated_at: order.updatedAt,
    cancelled_at: order.cancelledAt,
    financial_status: order.financialStatus,
    fulfillment_status: null,
    location_id: null,
    line_items: order.lines.map(({ id, sku, quantity, current }) => ({
      id,
      admin_graphql_api_id: `gid://shopify/LineItem/${id}`,
      sku,
      quantity,
      current_quantity: current,
    })),
    refunds,
  };
}

/** One refund of an order, as `refunds/create` carries it: the newest one by default. */
export function refundPayload(
  order: EmulatedOrder,
  index = order.refunds.length - 1,
): Record<string, unknown> {
  const refund = order.refunds[index];
  if (refund === undefined) throw new Error('there is no such refund');
  const { id, lineId, quantity, restockType } = refund;
  const sku = order.lines.find((line) => line.id === lineId)?.sku;
  return {
    id,
    admin_graphql_api_id: `gid://shopify/Refund/${id}`,
    order_id: order.id,
    created_at: order.updatedAt,
    refund_line_items: [
      {
        line_item_id: lineId,
        quantity,
        restock_type: restockType,
        line_item: { id: lineId, admin_graphql_api_id: `gid://shopify/LineItem/${lineId}`, sku },
      },
    ],
  };
}

/** What `orders/edited` carries: which units of which lines came and went, and nothing of them. */
export function editPayload(order: EmulatedOrder): Record<string, unknown> {
  return {
    order_edit: {
      id: order.id,
      order_id: order.id,
      committed_at: order.updatedAt,
      line_items: { additions: [{ id: order.lines.at(-1)?.id, delta: 1 }], removals: [] },
    },
  };
}

/** What Shopify sends when what can be sold has changed, whoever changed it. */
export function levelPayload(level: {
  readonly itemId: string;
  readonly locationId: string;
  readonly available: number;
  readonly updatedAt: Date;
}): Record<string, unknown> {
  const item = numberOf(level.itemId);
  const location = numberOf(level.locationId);
  return {
    inventory_item_id: item,
    location_id: location,
    available: level.available,
    updated_at: level.updatedAt.toISOString(),
    admin_graphql_api_id: `gid://shopify/InventoryLevel/${location}?inventory_item_id=${item}`,
  };
}

function numberOf(gid: string): number {
  return Number(gid.slice(gid.lastIndexOf('/') + 1));
}

/** The same webhook, signed by somebody who does not know the secret. */
export function forged({ headers, body }: SignedWebhook): SignedWebhook {
  const signature = createHmac('sha256', 'guessed').update(body).digest('base64');
  return { headers: { ...headers, 'x-shopify-hmac-sha256': signature }, body };
}
