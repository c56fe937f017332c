import { z } from '@hono/zod-openapi';
import { getSource, listHeldItems as readHeldItems } from '../../sources/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { heldItemView } from '../source-views.ts';
import { pageView } from '../views.ts';

export const listHeldItems = defineOperation({
  method: 'get',
  path: '/api/sources/{sourceId}/held',
  tag: 'Sources',
  summary: 'List the items that could not be applied and wait: unknown stores, unknown SKUs',
  access: 'member',
  params: { sourceId },
  query: paging,
  responses: { 200: { description: 'A page', schema: pageView(heldItemView) } },
  refusals: ['SOURCE.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, query, services }) {
    const after = readCursor(query.cursor, z.string());
    if (!after.ok) return after.refusal;
    const source = await getSource(services.sources, merchantId, params.sourceId);
    if (!source.ok) return source.refusal;
    const limit = query.limit ?? defaultLimit;
    const filter = { merchantId, ...params, after: after.value, limit };
    const found = await readHeldItems(services.db, filter);
    return page(found.items, found.next);
  },
});
