import { z } from '@hono/zod-openapi';
import { listListings as readListings } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { page, readCursor } from '../cursor.ts';
import { channelId, defaultLimit, paging, queryFlag, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

const position = z.strictObject({ sku, storeId });

export const listListings = defineOperation({
  method: 'get',
  path: '/api/channels/{channelId}/listings',
  tag: 'Channels',
  summary: 'List what a channel shows, and what was published last',
  access: 'member',
  params: { channelId },
  query: {
    sku: sku.optional(),
    storeId: storeId.optional(),
    pending: queryFlag.optional(),
    ...paging,
  },
  responses: {
    200: { description: 'A page, by SKU and store', schema: pageView(listingView) },
  },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, query, services }) {
    const { cursor, limit = defaultLimit, ...filter } = query;
    const after = readCursor(cursor, position);
    if (!after.ok) return after.refusal;
    const wanted = { merchantId, ...params, ...filter, after: after.value, limit };
    const result = await readListings(services.db, wanted);
    return result.ok ? page(result.value.items, result.value.next) : result.refusal;
  },
});
