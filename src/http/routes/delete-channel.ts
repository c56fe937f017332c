import { deleteChannel as removeChannel } from '../../channels/index.ts';
import { channelId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { empty } from '../reply.ts';

export const deleteChannel = defineOperation({
  method: 'delete',
  path: '/api/channels/{channelId}',
  tag: 'Channels',
  summary: 'Delete a channel with its listings and deliveries',
  access: 'member',
  params: { channelId },
  responses: { 204: { description: 'It is gone' } },
  refusals: ['CHANNEL.NOT_FOUND'],
  async handle({ caller, params, services }) {
    const result = await removeChannel(services.db, caller.merchantId, params.channelId);
    return result.ok ? empty(204) : result.refusal;
  },
});
