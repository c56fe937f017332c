import { listLocations } from '../../stock/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView, storeView } from '../views.ts';

export const listStores = defineOperation({
  method: 'get',
  path: '/api/stores',
  tag: 'Locations',
  summary: 'List the locations',
  access: 'member',
  query: paging,
  responses: { 200: { description: 'A page, by id', schema: pageView(storeView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const cursor = readCursor(query.cursor, storeId);
    if (!cursor.ok) return cursor.refusal;
    const limit = query.limit ?? defaultLimit;
    const found = await listLocations(services.db, { merchantId, after: cursor.value, limit });
    return page(found.items, found.next);
  },
});
