import { stopSync as stop, syncStatus } from '../../sources/index.ts';
import { noFields } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { syncStatusView } from '../source-views.ts';

export const stopSync = defineOperation({
  method: 'post',
  path: '/api/sync/stop',
  tag: 'Sync',
  summary: 'Read sources no more by the clock; a run under way by it ends with its page',
  access: 'member',
  idempotency: 'claim',
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The state', schema: syncStatusView } },
  async handle({ caller: { merchantId }, services }) {
    await stop(services.db, merchantId);
    return json(200, await syncStatus(services.sources, merchantId));
  },
});
