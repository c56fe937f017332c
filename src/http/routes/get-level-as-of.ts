import { levelAsOf } from '../../stock/index.ts';
import { sku, storeId, time } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { levelView } from '../views.ts';

export const getLevelAsOf = defineOperation({
  method: 'get',
  path: '/api/stock/{sku}/as-of',
  tag: 'Stock',
  summary: 'Show a stock level as it stood at a time',
  description:
    'Read from the ledger. Holds are shown as they were written down by then. LEDGER.ARCHIVED: ' +
    'the entries of that time were archived; archivedUntil is the earliest time that can be asked.',
  access: 'member',
  params: { sku },
  query: { storeId, at: time },
  responses: { 200: { description: 'The level as it stood', schema: levelView } },
  refusals: ['LEDGER.ARCHIVED', 'STOCK.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, query, services }) {
    const key = { merchantId, sku: params.sku, storeId: query.storeId };
    const level = await levelAsOf(services.db, key, query.at);
    return level.ok ? json(200, level.value) : level.refusal;
  },
});
