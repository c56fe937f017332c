import { z } from '@hono/zod-openapi';
import { listBuffers } from '../../safety-stock/index.ts';
import { bufferView, scopeFields } from '../buffer-views.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

const text = z.string().refine((value) => !value.includes('\u0000') && value.isWellFormed());

export const listSafetyBuffers = defineOperation({
  method: 'get',
  path: '/api/safety-buffers',
  tag: 'Safety stock',
  summary: 'List the rules of safety stock',
  access: 'member',
  query: { ...scopeFields, ...paging },
  responses: { 200: { description: 'A page', schema: pageView(bufferView) } },
  async handle({ caller: { merchantId }, query, services: { db } }) {
    const after = readCursor(query.cursor, z.tuple([text, text, text]));
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, sku, category, storeId } = query;
    const filter = { merchantId, sku, category, storeId, after: after.value, limit };
    const found = await listBuffers(db, filter);
    return page(found.items, found.next);
  },
});
