import { pauseListing as setPaused } from '../../channels/index.ts';
import { listingView } from '../channel-views.ts';
import { channelId, noFields, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const pauseListing = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/listings/{storeId}/{sku}/pause',
  tag: 'Channels',
  summary: 'Show 0 of a SKU on a channel until it is resumed',
  access: 'member',
  idempotency: 'claim',
  params: { channelId, storeId, sku },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The listing', schema: listingView } },
  refusals: ['CHANNEL.NOT_FOUND', 'LISTING.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await setPaused(services.db, { merchantId, ...params }, true);
    if (!result.ok) return result.refusal;
    services.wakeChannels();
    return json(200, result.value);
  },
});
