import { getReconciliation as read } from '../../reconciliation/index.ts';
import { reconciliationView } from '../drift-views.ts';
import { ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const getReconciliation = defineOperation({
  method: 'get',
  path: '/api/reconciliations/{reconciliationId}',
  tag: 'Reconciliation',
  summary: 'Show how far a run is, and what it found',
  access: 'member',
  params: { reconciliationId: ownId },
  responses: { 200: { description: 'The run', schema: reconciliationView } },
  refusals: ['RECONCILIATION.NOT_FOUND'],
  async handle({ caller: { merchantId }, params: { reconciliationId }, services: { db } }) {
    const result = await read(db, merchantId, reconciliationId);
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
