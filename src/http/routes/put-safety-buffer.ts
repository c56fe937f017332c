import { z } from '@hono/zod-openapi';
import { putBuffer } from '../../safety-stock/index.ts';
import { bufferView, ruleFields, scopeFields } from '../buffer-views.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const putSafetyBuffer = defineOperation({
  method: 'put',
  path: '/api/safety-buffers',
  tag: 'Safety stock',
  summary: 'Set how much of a SKU, a category or everything is kept back',
  description:
    'At one store or at all. Of the rules that fit a level the most specific holds: SKU at a ' +
    'store, SKU, category at a store, category, store, everything; then the settings, which also ' +
    'give what a rule leaves open. Levels follow soon after.',
  access: 'member',
  body: z.strictObject({ ...scopeFields, ...ruleFields }),
  responses: {
    200: { description: 'The rule, in place of another one', schema: bufferView },
    201: { description: 'The rule, which is new', schema: bufferView },
  },
  refusals: ['SAFETY_BUFFER.SCOPE_INVALID', 'STORE.NOT_FOUND'],
  async handle({ caller: { merchantId }, body, services }) {
    const rule = {
      strategy: body.strategy,
      units: body.units ?? null,
      percentage: body.percentage ?? null,
      leadTimeDays: body.leadTimeDays ?? null,
      serviceLevel: body.serviceLevel ?? null,
      windowDays: body.windowDays ?? null,
    };
    const result = await putBuffer(services.db, merchantId, body, rule);
    if (!result.ok) return result.refusal;
    services.wakeBuffers();
    return json(result.value.created ? 201 : 200, result.value.buffer);
  },
});
