import { listSources as readSources } from '../../sources/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { sourceView } from '../source-views.ts';
import { pageView } from '../views.ts';

export const listSources = defineOperation({
  method: 'get',
  path: '/api/sources',
  tag: 'Sources',
  summary: 'List the sources',
  access: 'member',
  query: paging,
  responses: { 200: { description: 'A page, by id', schema: pageView(sourceView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, sourceId);
    if (!after.ok) return after.refusal;
    const limit = query.limit ?? defaultLimit;
    const found = await readSources(services.sources, { merchantId, after: after.value, limit });
    return page(found.items, found.next);
  },
});
