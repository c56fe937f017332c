import { z } from '@hono/zod-openapi';
import { discoverListings as discover } from '../../channels/index.ts';
import { placeView } from '../channel-views.ts';
import { channelId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

const foundItem = z
  .strictObject({
    externalIds: z.unknown(),
    channelSku: z.string().nullable(),
    title: z.string().nullable(),
    location: z.strictObject({ id: z.string(), name: z.string().nullable() }).nullable(),
    quantity: z.number().nullable(),
    listing: placeView.nullable(),
    suggestion: placeView.nullable(),
  })
  .openapi('FoundItem');

export const discoverListings = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/discover',
  tag: 'Channels',
  summary: 'Ask a channel what it sells, and find the listing or level of each item',
  access: 'member',
  params: { channelId },
  body: z.strictObject({ cursor: z.string().min(1).max(2_048).nullable().optional() }),
  bodyOptional: true,
  responses: {
    200: {
      description: 'A page, as the channel gives it; `code` says why it did not answer',
      schema: z.strictObject({
        code: z.string().nullable(),
        items: z.array(foundItem),
        nextCursor: z.string().nullable(),
      }),
    },
  },
  refusals: ['CHANNEL.NOT_FOUND', 'CHANNEL.DISCOVER_NOT_SUPPORTED'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const { db, adapters, secretBox, clock } = services;
    const context = { adapters, secretBox, now: () => clock.now() };
    const wanted = { merchantId, ...params, cursor: body?.cursor ?? null };
    const result = await discover(db, context, wanted);
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
