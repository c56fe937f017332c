import { z } from '@hono/zod-openapi';
import { answerQuestion } from '../../inbox/index.ts';
import { channelId, name, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const answerOpenQuestion = defineOperation({
  method: 'post',
  path: '/api/open-questions/answer',
  tag: 'Inbox',
  summary: "Say which level a line of a channel's order is about, and apply the order again",
  access: 'member',
  changes: true,
  idempotency: 'claim',
  body: z.strictObject({ channelId, orderId: name, lineId: name, storeId, sku }),
  responses: {
    200: { description: 'It is applied', schema: z.strictObject({ applied: z.literal(true) }) },
  },
  refusals: ['QUESTION.NOT_FOUND', 'STORE.NOT_FOUND', 'STOCK.OUT_OF_RANGE'],
  async handle({ caller: { merchantId }, body, services }) {
    const { storeId: store, sku: answer, ...line } = body;
    const key = { merchantId, ...line };
    const result = await answerQuestion(services.inbox, key, { storeId: store, sku: answer });
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
