import { pauseListing as setPaused } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { channelId, noFields, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const resumeListing = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/listings/{storeId}/{sku}/resume',
  tag: 'Channels',
  summary: 'Show a SKU on a channel again',
  access: 'member',
  idempotency: 'claim',
  params: { channelId, storeId, sku },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The listing', schema: listingView } },
  refusals: ['CHANNEL.NOT_FOUND', 'LISTING.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await setPaused(services.db, { merchantId, ...params }, false);
    if (!result.ok) return result.refusal;
    services.wakeChannels();
    return json(200, result.value);
  },
});
