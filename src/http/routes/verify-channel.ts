import { z } from '@hono/zod-openapi';
import { verifyChannel as ask } from '../../channels/index.ts';
import { channelId, noFields } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

const verification = z
  .strictObject({
    isAccepted: z.boolean(),
    code: z.string().nullable(),
    httpStatus: z.int().nullable(),
  })
  .openapi('Verification');

export const verifyChannel = defineOperation({
  method: 'post',
  path: '/api/channels/{channelId}/verify',
  tag: 'Channels',
  summary: 'Ask a channel whether it takes its credentials',
  access: 'member',
  params: { channelId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'What it said', schema: verification } },
  refusals: ['CHANNEL.NOT_FOUND', 'CHANNEL.VERIFY_NOT_SUPPORTED'],
  async handle({ caller: { merchantId }, params, services }) {
    const { db, adapters, secretBox, clock } = services;
    const context = { adapters, secretBox, now: () => clock.now() };
    const result = await ask(db, context, merchantId, params.channelId);
    return result.ok ? json(200, result.value) : result.refusal;
  },
});
