import { pauseChannel as stopDeliveries } from '../../channels/index.ts';
import { channelView } from '../channel-views.ts';
import { channelId, noFields } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const pauseChannel = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/pause',
  tag: 'Channels',
  summary: 'Stop deliveries until the channel is resumed',
  access: 'member',
  idempotency: 'claim',
  params: { channelId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The channel', schema: channelView } },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services: { db } }) {
    const result = await stopDeliveries(db, merchantId, params.channelId, 'paused by request');
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
