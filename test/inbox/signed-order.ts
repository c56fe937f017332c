import { Webhook } from 'standardwebhooks';

export type OrderLine = { storeId: string; sku: string; quantity: number; lineId?: string };

/** What a shop sends: the reference implementation signs it. */
export function signedOrder(
  secret: string,
  order: {
    readonly id: string;
    readonly type: 'order.pending' | 'order.confirmed' | 'order.cancelled';
    readonly orderId: string;
    readonly revision: number;
    readonly lines: readonly OrderLine[];
  },
): { readonly body: string; readonly headers: Record<string, string> } {
  const { id, type, orderId, revision, lines } = order;
  const now = new Date();
  const body = JSON.stringify({
    type,
    timestamp: now.toISOString(),
    data: { orderId, revision, lines },
  });
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    },
  };
}
