import { resumeChannel as goOn } from '../../channels/index.ts';
import { channelView } from '../channel-views.ts';
import { channelId, noFields } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const resumeChannel = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/resume',
  tag: 'Channels',
  summary: 'Go on with deliveries',
  access: 'member',
  idempotency: 'claim',
  params: { channelId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The channel', schema: channelView } },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await goOn(services.db, merchantId, params.channelId);
    services.wakeChannels();
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
