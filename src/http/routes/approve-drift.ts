import { approveDrift as decide } from '../../reconciliation/index.ts';
import { driftView } from '../drift-views.ts';
import { noFields, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const approveDrift = defineOperation({
  method: 'post',
  path: '/api/drifts/{driftId}/approve',
  tag: 'Reconciliation',
  summary: 'Send the channel our figure, or take over the figure of the owner',
  description:
    'What a run of reconciliation found is measured once more first: where a figure has changed, ' +
    'the drift is superseded by what is found then.',
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
