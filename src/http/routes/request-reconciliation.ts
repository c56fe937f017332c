import { z } from '@hono/zod-openapi';
import { requestReconciliation as request } from '../../reconciliation/index.ts';
import { channelId, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const requestReconciliation = defineOperation({
  method: 'post',
  path: '/api/reconciliations',
  tag: 'Reconciliation',
  summary: 'Hold what channels show and sources say against ours: one, or all',
  access: 'member',
  idempotency: 'claim',
  body: z.strictObject({ channelId: channelId.optional(), sourceId: sourceId.optional() }),
  bodyOptional: true,
  responses: {
    202: {
      description: 'Asked for; it begins when no other run is under way',
      schema: z.strictObject({ reconciliationId: z.string() }),
    },
  },
  refusals: ['CHANNEL.NOT_FOUND', 'SOURCE.NOT_FOUND'],
  async handle({ caller: { merchantId }, body, services }) {
    const result = await request(services.sources, { merchantId, ...body });
    if (!result.ok) return result.refusal;
    services.wakeReconciliation();
    return json(202, result.value);
  },
});
