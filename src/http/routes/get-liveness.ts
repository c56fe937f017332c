import { z } from '@hono/zod-openapi';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const getLiveness = defineOperation({
  method: 'get',
  path: '/api/health/liveness',
  tag: 'Health',
  summary: 'The process runs',
  access: 'open',
  responses: {
    200: { description: 'It does', schema: z.strictObject({ status: z.literal('ok') }) },
  },
  handle: () => json(200, { status: 'ok' }),
});
