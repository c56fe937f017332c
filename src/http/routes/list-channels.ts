import { listChannels as readChannels } from '../../channels/index.ts';
import { channelView } from '../channel-views.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listChannels = defineOperation({
  method: 'get',
  path: '/api/channels',
  tag: 'Channels',
  summary: 'List the channels',
  access: 'member',
  query: paging,
  responses: { 200: { description: 'A page, by id', schema: pageView(channelView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, channelId);
    if (!after.ok) return after.refusal;
    const limit = query.limit ?? defaultLimit;
    const found = await readChannels(services.db, { merchantId, after: after.value, limit });
    return page(found.items, found.next);
  },
});
