import { z } from '@hono/zod-openapi';
import { retryQuestions } from '../../inbox/index.ts';
import { channelId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const retryOpenQuestions = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/open-questions/retry',
  tag: 'Inbox',
  summary: "Apply orders with open questions again, by the channel's listings as they are now",
  access: 'member',
  changes: true,
  idempotency: 'claim',
  params: { channelId },
  responses: {
    200: { description: 'How many orders', schema: z.strictObject({ orders: z.int() }) },
  },
  async handle({ caller: { merchantId }, params, services }) {
    return json(200, await retryQuestions(services.inbox, merchantId, params.channelId));
  },
});
