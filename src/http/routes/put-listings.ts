import { z } from '@hono/zod-openapi';
import { putListings as saveListings } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { channelId, externalIds, sku, storeId } from '../fields.ts';
import { invalidListings } from '../listing-errors.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const putListings = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/listings',
  tag: 'Channels',
  summary: 'Say by which ids a channel knows up to 2,000 SKUs, all or none',
  access: 'member',
  idempotency: 'claim',
  params: { channelId },
  body: z.strictObject({
    listings: z.array(z.strictObject({ storeId, sku, externalIds })).max(2000),
  }),
  responses: {
    200: {
      description: 'The listings, in the order given',
      schema: z.strictObject({ listings: z.array(listingView) }),
    },
  },
  refusals: ['CHANNEL.NOT_FOUND', 'STORE.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const { db, adapters } = services;
    const result = await saveListings(db, { merchantId, adapters, ...params, ...body });
    if (!result.ok) return invalidListings(result.refusal);
    return json(200, { listings: result.value });
  },
});
