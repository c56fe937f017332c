import { getSource as readSource } from '../../sources/index.ts';
import { sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { sourceView } from '../source-views.ts';

export const getSource = defineOperation({
  method: 'get',
  path: '/api/sources/{sourceId}',
  tag: 'Sources',
  summary: 'Show a source: how far it was read, its last run, its next one',
  access: 'member',
  params: { sourceId },
  responses: { 200: { description: 'The source', schema: sourceView } },
  refusals: ['SOURCE.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await readSource(services.sources, merchantId, params.sourceId);
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
