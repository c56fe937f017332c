import { z } from '@hono/zod-openapi';
import { listInbox as readInbox } from '../../inbox/index.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, paging } from '../fields.ts';
import { inboxView, webhookStatus } from '../inbox-views.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

const position = z.strictObject({ channelId: z.string(), webhookId: z.string() });

export const listInbox = defineOperation({
  method: 'get',
  path: '/api/inbox',
  tag: 'Inbox',
  summary: "List channels' webhooks: those that wait, are done, or could not be worked",
  access: 'member',
  query: { channelId: channelId.optional(), status: webhookStatus.optional(), ...paging },
  responses: { 200: { description: 'A page', schema: pageView(inboxView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, position);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, channelId: ofChannel, status } = query;
    const wanted = { merchantId, channelId: ofChannel, status, after: after.value, limit };
    const found = await readInbox(services.db, wanted);
    const { next } = found;
    return page(found.items, next && { channelId: next.channelId, webhookId: next.webhookId });
  },
});
