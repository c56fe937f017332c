import { z } from '@hono/zod-openapi';
import { bufferStatus, defaultPolicy } from '../../safety-stock/index.ts';
import { policyView } from '../buffer-views.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { timeView } from '../views.ts';

export const getSafetyBufferStatus = defineOperation({
  method: 'get',
  path: '/api/safety-buffers/status',
  tag: 'Safety stock',
  summary: 'What holds without a rule, and how the last run through the levels went',
  access: 'member',
  responses: {
    200: {
      description: 'pending: something was changed that levels do not show yet',
      schema: z.strictObject({
        pending: z.boolean(),
        startedAt: timeView.nullable(),
        finishedAt: timeView.nullable(),
        levels: z.int(),
        changed: z.int(),
        defaults: policyView,
      }),
    },
  },
  async handle({ caller: { merchantId }, services: { db, buffers } }) {
    const status = await bufferStatus(db, merchantId);
    return json(200, { ...status, defaults: defaultPolicy(buffers.settings) });
  },
});
