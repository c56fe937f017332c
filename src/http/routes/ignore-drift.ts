import { ignoreDrift as decide } from '../../reconciliation/index.ts';
import { driftView } from '../drift-views.ts';
import { noFields, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const ignoreDrift = defineOperation({
  method: 'post',
  path: '/api/drifts/{driftId}/ignore',
  tag: 'Reconciliation',
  summary: 'Leave the channel its figure until the level changes next',
  access: 'member',
  idempotency: 'claim',
  params: { driftId: ownId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The drift', schema: driftView } },
  refusals: ['DRIFT.NOT_FOUND', 'DRIFT.NOT_PENDING'],
  async handle({ caller: { merchantId }, params: { driftId }, services }) {
    const result = await decide(services.db, { merchantId, driftId });
    if (!result.ok) return result.refusal;
    services.wakeChannels();
    services.wakeReconciliation();
    return json(200, result.value);
  },
});
