import { z } from '@hono/zod-openapi';
import { listDrifts as readDrifts } from '../../reconciliation/index.ts';
import { page, readCursor } from '../cursor.ts';
import { driftStatuses, driftView } from '../drift-views.ts';
import { channelId, defaultLimit, ownId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listDrifts = defineOperation({
  method: 'get',
  path: '/api/drifts',
  tag: 'Reconciliation',
  summary: 'List figures that are shown otherwise than expected',
  access: 'member',
  query: {
    channelId: channelId.optional(),
    status: z.enum(driftStatuses).optional(),
    ...paging,
  },
  responses: { 200: { description: 'A page, newest first', schema: pageView(driftView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, ownId);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, channelId: channel, status } = query;
    const wanted = { merchantId, channelId: channel, status, after: after.value, limit };
    const found = await readDrifts(services.db, wanted);
    return page(found.items, found.next);
  },
});
