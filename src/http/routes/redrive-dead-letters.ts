import { z } from '@hono/zod-openapi';
import { redriveDeadLetters as redrive } from '../../channels/index.ts';
import { channelId, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const redriveDeadLetters = defineOperation({
  method: 'post',
  path: '/api/dead-letters/redrive',
  tag: 'Deliveries',
  summary: 'Send dead letters again: all, those of a channel, or those named',
  access: 'member',
  idempotency: 'claim',
  body: z.strictObject({
    channelId: channelId.optional(),
    ids: z.array(ownId).max(10_000).optional(),
    dryRun: z.boolean().default(false),
  }),
  bodyOptional: true,
  responses: {
    200: { description: 'How many', schema: z.strictObject({ redriven: z.int() }) },
  },
  claimKey: (key, { body }) => (body.dryRun ? undefined : key),
  async handle({ caller: { merchantId }, body, services }) {
    const result = await redrive(services.db, { merchantId, ...body });
    services.wakeChannels();
    return json(200, result);
  },
});
