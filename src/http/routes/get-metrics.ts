import { z } from '@hono/zod-openapi';
import { channelFigures } from '../channel-views.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

const counts = z.record(z.string(), z.number());
const distribution = z.strictObject({
  count: z.int(),
  p50: z.number().nullable(),
  p99: z.number().nullable(),
});
const known = z.number().nullable();

const summary = z
  .strictObject({
    requests: z.strictObject({ total: z.number(), byStatus: counts, byRoute: counts }),
    refusals: counts,
    conflicts: z.number(),
    idempotencyHits: z.number(),
    batches: z.strictObject({
      count: z.int(),
      commands: distribution,
      queuedMs: distribution,
      commitMs: distribution,
      attempts: distribution,
    }),
    queues: z.strictObject({ writer: known, outbox: known, deadLetters: known }),
    oversoldLevels: known,
    sources: z.record(z.string(), counts),
    quarantinedItems: known,
    deliveries: z.record(z.string(), counts),
    lag: z.record(z.string(), distribution),
    channels: z.record(z.string(), channelFigures),
    breakers: z.record(z.string(), z.string()),
    bulkheads: z.record(z.string(), z.strictObject({ running: z.int(), waiting: z.int() })),
  })
  .openapi('Metrics');

function metricsAt(path: string) {
  return defineOperation({
    method: 'get',
    path,
    tag: 'Health',
    summary: "The system's figures as JSON",
    description: 'Quantiles are upper bounds. What nobody knows at the moment is null.',
    access: 'open',
    responses: { 200: { description: 'The figures', schema: summary } },
    async handle({ services }) {
      return json(200, await services.metrics.summary());
    },
  });
}

export const getHealthMetrics = metricsAt('/api/health/metrics');
export const getMetrics = metricsAt('/api/metrics');
