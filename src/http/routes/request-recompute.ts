import { z } from '@hono/zod-openapi';
import { requestRecompute as askForRun } from '../../safety-stock/index.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const requestRecompute = defineOperation({
  method: 'post',
  path: '/api/safety-buffers/recompute',
  tag: 'Safety stock',
  summary: 'Bring the safety stock of all levels up to date now',
  access: 'member',
  idempotency: 'claim',
  body: z.strictObject({}),
  bodyOptional: true,
  responses: {
    202: { description: 'Asked for', schema: z.strictObject({ pending: z.literal(true) }) },
  },
  async handle({ caller: { merchantId }, services }) {
    await askForRun(services.db, merchantId);
    services.wakeBuffers();
    return json(202, { pending: true });
  },
});
