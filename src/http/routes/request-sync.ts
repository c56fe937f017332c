import { z } from '@hono/zod-openapi';
import { requestRun } from '../../sources/index.ts';
import { sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const requestSync = defineOperation({
  method: 'post',
  path: '/api/sync',
  tag: 'Sync',
  summary: 'Read one source now, or all of them',
  access: 'member',
  idempotency: 'claim',
  body: z.strictObject({ source: sourceId.optional() }),
  bodyOptional: true,
  responses: {
    202: { description: 'Asked for', schema: z.strictObject({ runId: z.string() }) },
  },
  refusals: ['SOURCE.NOT_FOUND', 'SOURCE.DISABLED'],
  async handle({ caller: { merchantId }, body, services }) {
    const result = await requestRun(services.db, merchantId, body.source);
    if (!result.ok) return result.refusal;
    services.wakeSources();
    return json(202, result.value);
  },
});
