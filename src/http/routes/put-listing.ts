import { z } from '@hono/zod-openapi';
import { putListings } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { channelId, externalIds, sku, storeId } from '../fields.ts';
import { invalidListings } from '../listing-errors.ts';
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
    const { db, adapters } = services;
    const input = { merchantId, channelId: params.channelId, adapters, listings: [listing] };
    const result = await putListings(db, input);
    return result.ok ? json(200, result.value[0]) : invalidListings(result.refusal, 'listings.0.');
  },
});
