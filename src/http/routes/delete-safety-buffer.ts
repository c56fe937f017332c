import { deleteBuffer } from '../../safety-stock/index.ts';
import { scopeFields } from '../buffer-views.ts';
import { defineOperation } from '../operation.ts';
import { empty } from '../reply.ts';

export const deleteSafetyBuffer = defineOperation({
  method: 'delete',
  path: '/api/safety-buffers',
  tag: 'Safety stock',
  summary: 'Take a rule of safety stock away',
  description: 'The one that was set for exactly this; without any query that of everything.',
  access: 'member',
  query: scopeFields,
  responses: { 204: { description: 'It is gone; levels follow soon after' } },
  refusals: ['SAFETY_BUFFER.NOT_FOUND'],
  async handle({ caller: { merchantId }, query, services }) {
    const result = await deleteBuffer(services.db, merchantId, query);
    if (!result.ok) return result.refusal;
    services.wakeBuffers();
    return empty(204);
  },
});
