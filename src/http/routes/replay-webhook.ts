import { z } from '@hono/zod-openapi';
import { replayWebhook as replay } from '../../inbox/index.ts';
import { channelId, name } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const replayWebhook = defineOperation({
  method: 'post',
  path: '/api/inbox/{channelId}/{webhookId}/replay',
  tag: 'Inbox',
  summary: 'Have a webhook worked again; one that was done changes nothing',
  access: 'member',
  idempotency: 'claim',
  params: { channelId, webhookId: name },
  responses: {
    202: { description: 'It waits', schema: z.strictObject({ replayed: z.literal(true) }) },
  },
  refusals: ['WEBHOOK.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await replay(services.db, { merchantId, ...params });
    if (!result.ok) return result.refusal;
    services.wakeInbox();
    return json(202, result.value);
  },
});
