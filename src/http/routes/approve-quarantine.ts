import { z } from '@hono/zod-openapi';
import { approveQuarantine as approve } from '../../sources/index.ts';
import { noFields, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const approveQuarantine = defineOperation({
  method: 'post',
  path: '/api/quarantine/{quarantineId}/approve',
  tag: 'Sources',
  summary: 'Apply a report from quarantine, or with the id of a run all that it put there',
  access: 'member',
  changes: true,
  idempotency: 'claim',
  params: { quarantineId: ownId },
  body: noFields,
  bodyOptional: true,
  responses: {
    200: { description: 'Applied', schema: z.strictObject({ approved: z.int() }) },
  },
  refusals: ['QUARANTINE.NOT_FOUND', 'QUARANTINE.DECIDED'],
  async handle({ caller: { merchantId, keyId: actor }, params: { quarantineId: id }, services }) {
    const result = await approve(services.sources, { merchantId, id, actor });
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
