import { listKeys as readKeys } from '../../merchants/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, ownId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { keyView, pageView } from '../views.ts';

export const listKeys = defineOperation({
  method: 'get',
  path: '/api/keys',
  tag: 'Merchants',
  summary: "List the merchant's keys that are in force",
  access: 'admin',
  query: paging,
  responses: { 200: { description: 'A page, oldest first', schema: pageView(keyView) } },
  async handle({ caller, query, services }) {
    const cursor = readCursor(query.cursor, ownId);
    if (!cursor.ok) return cursor.refusal;
    const { items, next } = await readKeys(services.db, caller.merchantId, {
      after: cursor.value,
      limit: query.limit ?? defaultLimit,
    });
    return page(items, next);
  },
});
