import { republishChannel as sendAgain } from '../../channels/index.ts';
import { channelView } from '../channel-views.ts';
import { channelId, noFields } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const republishChannel = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/republish',
  tag: 'Channels',
  summary: 'Send the newest figures of everything again',
  access: 'member',
  idempotency: 'claim',
  params: { channelId },
  body: noFields,
  bodyOptional: true,
  responses: { 202: { description: 'The channel', schema: channelView } },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services }) {
    const result = await sendAgain(services.db, merchantId, params.channelId);
    services.wakeChannels();
    return result.ok ? json(202, result.value) : result.refusal;
  },
});
