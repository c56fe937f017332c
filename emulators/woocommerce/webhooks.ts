import { createHash, createHmac } from 'node:crypto';

/** A webhook as a shop sends it. */
export type SignedWebhook = {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type WebhookOptions = {
  readonly topic: string;
  readonly secret: string;
  readonly hookId?: number;
  /** When it is sent: the delivery's id has whole seconds of it. */
  readonly sentAt?: Date;
};

/** An order of a shop. */
export type EmulatedOrder = {
  readonly id: number;
  readonly status: string;
  /** UTC, without saying so: `2026-11-21T00:00:00`. */
  readonly modifiedAt: string;
  readonly lines: readonly {
    readonly id: number;
    readonly productId: number;
    readonly variationId?: number;
    readonly sku: string;
    readonly quantity: number;
    /** Refunded and put back to stock. */
    readonly restocked?: number;
  }[];
};

/** Signs a payload: HMAC-SHA256 of the body's bytes with the webhook's secret, in base64. */
export function signedWebhook(payload: unknown, options: WebhookOptions): SignedWebhook {
  const { topic, secret, hookId = 1, sentAt = new Date(0) } = options;
  const [resource = '', event = ''] = topic.split('.');
  const body = Buffer.from(JSON.stringify(payload));
  const second = Math.floor(sentAt.getTime() / 1_000);
  return {
    headers: {
      'content-type': 'application/json',
      'x-wc-webhook-source': 'http://127.0.0.1/',
      'x-wc-webhook-topic': topic,
      'x-wc-webhook-resource': resource,
      'x-wc-webhook-event': event,
      'x-wc-webhook-signature': createHmac('sha256', secret).update(body).digest('base64'),
      'x-wc-webhook-id': String(hookId),
      'x-wc-webhook-delivery-id': createHash('md5').update(`${hookId}${second}`).digest('hex'),
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
  return signedWebhook(orderPayload(order), { topic: 'order.updated', ...options, secret });
}

/** The order as webhooks carry it: the members that tell of stock. */
export function orderPayload(order: EmulatedOrder): Record<string, unknown> {
  return {
    id: order.id,
    status: order.status,
    date_created_gmt: '2026-11-20T23:00:00',
    date_modified_gmt: order.modifiedAt,
    line_items: order.lines.map((line) => ({
      id: line.id,
      product_id: line.productId,
      variation_id: line.variationId ?? 0,
      sku: line.sku,
      quantity: line.quantity,
      meta_data: [
        { id: 1, key: '_reduced_stock', value: String(line.quantity - (line.restocked ?? 0)) },
        ...(line.restocked === undefined
          ? []
          : [{ id: 2, key: '_restock_refunded_items', value: String(line.restocked) }]),
      ],
    })),
    refunds: [],
  };
}

/** How a shop announces a new webhook: a form that nobody has signed. */
export function pingWebhook(hookId: number): SignedWebhook {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(`webhook_id=${hookId}`),
  };
}

/** The same webhook, signed by somebody who does not know the secret. */
export function forged({ headers, body }: SignedWebhook): SignedWebhook {
  const signature = createHmac('sha256', 'guessed').update(body).digest('base64');
  return { headers: { ...headers, 'x-wc-webhook-signature': signature }, body };
}
