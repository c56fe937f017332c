import { listDeadLetters as readDeadLetters } from '../../channels/index.ts';
import { deliveryView } from '../channel-views.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, ownId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listDeadLetters = defineOperation({
  method: 'get',
  path: '/api/dead-letters',
  tag: 'Deliveries',
  summary: 'List deliveries whose attempts are spent',
  access: 'member',
  query: { channelId: channelId.optional(), ...paging },
  responses: { 200: { description: 'A page, newest first', schema: pageView(deliveryView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, ownId);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit } = query;
    const wanted = { merchantId, channelId: query.channelId, after: after.value, limit };
    const found = await readDeadLetters(services.db, wanted);
    return page(found.items, found.next);
  },
});
