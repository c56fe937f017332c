import { z } from '@hono/zod-openapi';
import { receiveWebhook as receive } from '../../inbox/index.ts';
import { channelId, merchantId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { readRaw } from '../request-body.ts';
import { rawTargetOf } from '../request-text.ts';

export const receiveWebhook = defineOperation({
  method: 'post',
  path: '/api/webhooks/{channelId}',
  tag: 'Inbox',
  summary: "Take a channel's own webhook, signed by it",
  description:
    'Without a key: the signature says whose it is. It is stored and answered at once, and ' +
    'worked afterwards. A channel of the kind `webhook` signs after Standard Webhooks with its ' +
    'own secret: `{ "type": "order.pending" | "order.confirmed" | "order.cancelled", ' +
    '"timestamp", "data": { "orderId", "revision"?, "lines": [ { "lineId"?, "storeId", "sku", ' +
    '"quantity" } ] } }`, always with the whole order as it then is.',
  access: 'open',
  changes: true,
  params: { channelId },
  query: { merchant: merchantId.optional() },
  responses: {
    200: {
      description: 'It is stored, now or before',
      schema: z.strictObject({ received: z.literal(true), duplicate: z.boolean() }),
    },
  },
  refusals: ['CHANNEL.NOT_FOUND', 'WEBHOOK.SIGNATURE_INVALID', 'REQUEST.TOO_LARGE'],
  async handle({ incoming, params, query, services }) {
    const body = await readRaw(incoming, services.config.server.bodyLimitKb * 1024);
    if ('code' in body) return body;
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      ),
    );
    const host = headers['host'] ?? 'localhost';
    const result = await receive(
      services,
      { ...params, merchantId: query.merchant },
      { headers, body, url: `https://${host}${rawTargetOf(incoming.url)}` },
    );
    if (!result.ok) return result.refusal;
    services.wakeInbox();
    return json(200, result.value);
  },
});
