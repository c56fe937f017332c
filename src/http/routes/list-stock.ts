import { z } from '@hono/zod-openapi';
import { listLevels, maxQuantity } from '../../stock/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, queryFlag, queryInteger, sku, storeId, time } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { levelView, pageView } from '../views.ts';

const position = z.strictObject({ sku, storeId });

export const listStock = defineOperation({
  method: 'get',
  path: '/api/stock',
  tag: 'Stock',
  summary: 'List stock levels',
  description:
    'updatedAfter: levels whose newest change was decided after that time. A change becomes ' +
    'visible a moment after it was decided: who follows changes by this asks from a little ' +
    'before the newest updatedAt seen, or reads the ledger, which misses none.',
  access: 'member',
  query: {
    sku: sku.optional(),
    storeId: storeId.optional(),
    updatedAfter: time.optional(),
    belowAvailable: queryInteger(-maxQuantity, maxQuantity).optional(),
    oversold: queryFlag.optional(),
    ...paging,
  },
  responses: {
    200: { description: 'A page, by SKU and store', schema: pageView(levelView) },
  },
  async handle({ caller: { merchantId }, query, services: { db, clock } }) {
    const { cursor, limit, ...filter } = query;
    const after = readCursor(cursor, position);
    if (!after.ok) return after.refusal;
    const found = await listLevels(
      db,
      { merchantId, ...filter, after: after.value, limit: limit ?? defaultLimit },
      clock.offsetMs,
    );
    return page(found.items, found.next);
  },
});
