import { z } from '@hono/zod-openapi';
import { listCategories } from '../../safety-stock/index.ts';
import { category } from '../buffer-views.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, sku } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listSafetyCategories = defineOperation({
  method: 'get',
  path: '/api/safety-buffers/categories',
  tag: 'Safety stock',
  summary: 'List the SKUs that are in a category',
  access: 'member',
  query: { sku: sku.optional(), category: category.optional(), ...paging },
  responses: {
    200: {
      description: 'A page',
      schema: pageView(z.strictObject({ sku: z.string(), category: z.string() })),
    },
  },
  async handle({ caller: { merchantId }, query, services: { db } }) {
    const after = readCursor(query.cursor, sku);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit } = query;
    const filter = { merchantId, sku: query.sku, category: query.category, limit };
    const found = await listCategories(db, { ...filter, after: after.value });
    return page(found.items, found.next);
  },
});
