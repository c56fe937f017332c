import { z } from '@hono/zod-openapi';
import { checkListings as check } from '../../channels/index.ts';
import { placeView } from '../channel-views.ts';
import { channelId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

/** So many problems are listed; `found` says how many there are. */
const most = 1_000;

const problemView = z
  .strictObject({
    code: z.enum(['ids_shared', 'ids_unusable', 'ids_missing', 'no_level']),
    storeId: z.string(),
    sku: z.string(),
    other: placeView.nullable(),
  })
  .openapi('ListingProblem');

export const checkListings = defineOperation({
  method: 'get',
  path: '/api/channels/{channelId}/listings/check',
  tag: 'Channels',
  summary: 'Find listings that share ids, have none that can be used, or have no level',
  access: 'member',
  params: { channelId },
  responses: {
    200: {
      description: 'What was found; at most 1,000 problems are listed',
      schema: z.strictObject({
        checked: z.int(),
        found: z.int(),
        problems: z.array(problemView),
      }),
    },
  },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const wanted = { merchantId, ...params, limit: most };
    const result = await check(services.db, services.adapters, wanted);
    if (!result.ok) return result.refusal;
    const { checked, found, problems } = result.value;
    return json(200, { checked, found, problems: [...problems] });
  },
});
