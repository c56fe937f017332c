import { z } from '@hono/zod-openapi';
import { readinessOf } from '../../monitoring/index.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

const checks = z.array(z.strictObject({ name: z.string(), ready: z.boolean() }));

export const getReadiness = defineOperation({
  method: 'get',
  path: '/api/health/readiness',
  tag: 'Health',
  summary: 'Database, migrations and workers are ready',
  access: 'open',
  responses: {
    200: {
      description: 'All are ready',
      schema: z.strictObject({ status: z.literal('ready'), checks }),
    },
    503: {
      description: 'At least one is not',
      schema: z.strictObject({ status: z.literal('unready'), checks }),
    },
  },
  async handle({ services }) {
    const { ready, checks: results } = await readinessOf(services.readiness);
    return ready
      ? json(200, { status: 'ready', checks: results })
      : { ...json(503, { status: 'unready', checks: results }), headers: { 'retry-after': '1' } };
  },
});
