import { syncStatus } from '../../sources/index.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { syncStatusView } from '../source-views.ts';

export const getSyncStatus = defineOperation({
  method: 'get',
  path: '/api/sync/status',
  tag: 'Sync',
  summary: 'Show whether sources are read by the clock, and how each stands',
  access: 'member',
  responses: { 200: { description: 'The state', schema: syncStatusView } },
  async handle({ caller: { merchantId }, services }) {
    return json(200, await syncStatus(services.sources, merchantId));
  },
});
