import { z } from '@hono/zod-openapi';
import { defineOperation } from '../operation.ts';

export const getPrometheusMetrics = defineOperation({
  method: 'get',
  path: '/metrics',
  tag: 'Health',
  summary: "The system's figures for Prometheus",
  access: 'open',
  responses: {
    200: { description: 'The figures', schema: z.string(), contentType: 'text/plain' },
  },
  async handle({ services: { metrics } }) {
    return { status: 200, body: await metrics.text(), contentType: metrics.contentType };
  },
});
