import { z } from '@hono/zod-openapi';
import { listQuarantine as readQuarantine } from '../../sources/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, ownId, paging, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { quarantineView } from '../source-views.ts';
import { pageView } from '../views.ts';

export const listQuarantine = defineOperation({
  method: 'get',
  path: '/api/quarantine',
  tag: 'Sources',
  summary: 'List what sources said that looked wrong',
  access: 'member',
  query: {
    status: z.enum(['pending', 'approved', 'refused', 'superseded']).default('pending'),
    sourceId: sourceId.optional(),
    runId: ownId.optional(),
    ...paging,
  },
  responses: { 200: { description: 'A page', schema: pageView(quarantineView) } },
  async handle({ caller: { merchantId }, query, services: { db } }) {
    const after = readCursor(query.cursor, ownId);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, status, runId } = query;
    const which = { sourceId: query.sourceId, runId, status };
    const found = await readQuarantine(db, { merchantId, ...which, after: after.value, limit });
    return page(found.items, found.next);
  },
});
