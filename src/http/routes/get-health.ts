import { z } from '@hono/zod-openapi';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { timeView } from '../views.ts';

export const getHealth = defineOperation({
  method: 'get',
  path: '/api/health',
  tag: 'Health',
  summary: 'The service answers',
  access: 'open',
  responses: {
    200: {
      description: 'It does',
      schema: z.strictObject({
        status: z.literal('ok'),
        uptimeSeconds: z.number(),
        timestamp: timeView,
        version: z.string(),
      }),
    },
  },
  handle({ services: { clock, startedAt, version } }) {
    const uptimeSeconds = Math.round(Date.now() - startedAt.getTime()) / 1000;
    return json(200, {
      status: 'ok',
      uptimeSeconds,
      timestamp: clock.now().toISOString(),
      version,
    });
  },
});
