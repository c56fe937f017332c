import { z } from '@hono/zod-openapi';
import { putListings } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { channelId, externalIds, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const putListing = defineOperation({
  method: 'put',
  path: '/api/channels/{channelId}/listings/{storeId}/{sku}',
  tag: 'Channels',
  summary: 'Say by which ids a channel knows a SKU at a store',
  access: 'member',
  params: { channelId, storeId, sku },
  body: z.strictObject({ externalIds }),
  responses: { 200: { description: 'The listing', schema: listingView } },
  refusals: ['CHANNEL.NOT_FOUND', 'STORE.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const listing = { storeId: params.storeId, sku: params.sku, externalIds: body.externalIds };
    const input = { merchantId, channelId: params.channelId, listings: [listing] };
    const result = await putListings(services.db, input);
    return result.ok ? json(200, result.value[0]) : result.refusal;
  },
});
