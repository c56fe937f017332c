import { getChannel as readChannel } from '../../channels/index.ts';
import { refuse } from '../../errors.ts';
import { channelView } from '../channel-views.ts';
import { channelId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const getChannel = defineOperation({
  method: 'get',
  path: '/api/channels/{channelId}',
  tag: 'Channels',
  summary: 'Show a channel',
  access: 'member',
  params: { channelId },
  responses: { 200: { description: 'The channel', schema: channelView } },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller, params, services }) {
    const channel = await readChannel(services.db, caller.merchantId, params.channelId);
    return channel === undefined
      ? refuse('CHANNEL.NOT_FOUND', 'There is no such channel.', { ...params })
      : json(200, channel);
  },
});
