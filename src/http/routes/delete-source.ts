import { deleteSource as removeSource } from '../../sources/index.ts';
import { sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { empty } from '../reply.ts';

export const deleteSource = defineOperation({
  method: 'delete',
  path: '/api/sources/{sourceId}',
  tag: 'Sources',
  summary: 'Delete a source with what it owned and what waits; its changes of stock stay',
  access: 'member',
  params: { sourceId },
  responses: { 204: { description: 'It is gone' } },
  refusals: ['SOURCE.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services: { db } }) {
    const result = await removeSource(db, merchantId, params.sourceId);
    return result.ok ? empty(204) : result.refusal;
  },
});
