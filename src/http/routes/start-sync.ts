import { z } from '@hono/zod-openapi';
import { startSync as start, syncStatus } from '../../sources/index.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { syncStatusView } from '../source-views.ts';

export const startSync = defineOperation({
  method: 'post',
  path: '/api/sync/start',
  tag: 'Sync',
  summary: 'Have sources read by the clock',
  description: 'The interval is that of sources which have none of their own.',
  access: 'member',
  idempotency: 'claim',
  body: z.strictObject({ intervalSeconds: z.number().min(1).max(31_536_000).optional() }),
  bodyOptional: true,
  responses: { 200: { description: 'The state', schema: syncStatusView } },
  async handle({ caller: { merchantId }, body, services }) {
    await start(services.db, merchantId, body.intervalSeconds);
    services.wakeSources();
    return json(200, await syncStatus(services.sources, merchantId));
  },
});
