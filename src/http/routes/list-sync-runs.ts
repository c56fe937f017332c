import { z } from '@hono/zod-openapi';
import { listRuns } from '../../sources/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, ownId, paging, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { runView } from '../source-views.ts';
import { pageView } from '../views.ts';

const position = z.strictObject({ runId: ownId, sourceId });

export const listSyncRuns = defineOperation({
  method: 'get',
  path: '/api/sync/runs',
  tag: 'Sync',
  summary: 'List the runs of sources, newest first',
  access: 'member',
  query: { sourceId: sourceId.optional(), runId: ownId.optional(), ...paging },
  responses: { 200: { description: 'A page', schema: pageView(runView) } },
  async handle({ caller: { merchantId }, query, services: { db } }) {
    const after = readCursor(query.cursor, position);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, runId } = query;
    const filter = { merchantId, sourceId: query.sourceId, runId, after: after.value, limit };
    const found = await listRuns(db, filter);
    return page(found.items, found.next);
  },
});
