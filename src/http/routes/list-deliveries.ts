import { z } from '@hono/zod-openapi';
import { listDeliveries as readDeliveries } from '../../channels/index.ts';
import { deliveryStatuses, deliveryView } from '../channel-views.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, ownId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listDeliveries = defineOperation({
  method: 'get',
  path: '/api/deliveries',
  tag: 'Deliveries',
  summary: 'List deliveries with their attempts, newest first',
  access: 'member',
  query: {
    channelId: channelId.optional(),
    status: z.enum(deliveryStatuses).optional(),
    ...paging,
  },
  responses: { 200: { description: 'A page', schema: pageView(deliveryView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const { cursor, limit = defaultLimit, ...filter } = query;
    const after = readCursor(cursor, ownId);
    if (!after.ok) return after.refusal;
    const wanted = { merchantId, ...filter, after: after.value, limit };
    const found = await readDeliveries(services.db, wanted);
    return page(found.items, found.next);
  },
});
