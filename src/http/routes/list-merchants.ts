import { listMerchants as readMerchants } from '../../merchants/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, merchantId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { merchantView, pageView } from '../views.ts';

export const listMerchants = defineOperation({
  method: 'get',
  path: '/api/merchants',
  tag: 'Merchants',
  summary: 'List the merchants',
  access: 'root',
  query: paging,
  responses: { 200: { description: 'A page, by id', schema: pageView(merchantView) } },
  async handle({ query, services }) {
    const cursor = readCursor(query.cursor, merchantId);
    if (!cursor.ok) return cursor.refusal;
    const { items, next } = await readMerchants(services.db, {
      after: cursor.value,
      limit: query.limit ?? defaultLimit,
    });
    return page(items, next);
  },
});
