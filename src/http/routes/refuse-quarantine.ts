import { z } from '@hono/zod-openapi';
import { refuseQuarantine as refuse } from '../../sources/index.ts';
import { noFields, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const refuseQuarantine = defineOperation({
  method: 'post',
  path: '/api/quarantine/{quarantineId}/refuse',
  tag: 'Sources',
  summary: 'Leave stock as it is, for one report or with the id of a run for all it put there',
  access: 'member',
  idempotency: 'claim',
  params: { quarantineId: ownId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'Refused', schema: z.strictObject({ refused: z.int() }) } },
  refusals: ['QUARANTINE.NOT_FOUND', 'QUARANTINE.DECIDED'],
  async handle({ caller: { merchantId, keyId: actor }, params: { quarantineId: id }, services }) {
    const result = await refuse(services.sources, { merchantId, id, actor });
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
