import { z } from '@hono/zod-openapi';
import { listOpenQuestions as readQuestions } from '../../inbox/index.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, paging } from '../fields.ts';
import { openQuestionView } from '../inbox-views.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

const position = z.strictObject({
  channelId: z.string(),
  orderId: z.string(),
  lineId: z.string(),
});

export const listOpenQuestions = defineOperation({
  method: 'get',
  path: '/api/open-questions',
  tag: 'Inbox',
  summary: "List lines of channels' orders of which nobody knows the level",
  access: 'member',
  query: { channelId: channelId.optional(), ...paging },
  responses: { 200: { description: 'A page', schema: pageView(openQuestionView) } },
  async handle({ caller: { merchantId }, query, services }) {
    const after = readCursor(query.cursor, position);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit } = query;
    const wanted = { merchantId, channelId: query.channelId, after: after.value, limit };
    const { items, next } = await readQuestions(services.db, wanted);
    if (next === undefined) return page(items, undefined);
    return page(items, { channelId: next.channelId, orderId: next.orderId, lineId: next.lineId });
  },
});
