import { z } from '@hono/zod-openapi';
import { bufferSchema, putChannel as saveChannel } from '../../channels/index.ts';
import { bufferAsDescribed, channelView } from '../channel-views.ts';
import { channelId, name, storable } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { invalid } from '../request-text.ts';

const settings = z
  .record(z.string(), z.unknown())
  .refine(storable, { error: 'Texts have no NUL, and nest at most 32 deep' });

const fieldErrors = z.array(z.object({ path: z.string(), message: z.string() }));

export const putChannel = defineOperation({
  method: 'put',
  path: '/api/channels/{channelId}',
  tag: 'Channels',
  summary: 'Create a channel or replace its settings',
  description:
    'Credentials are never given back; those that are not given stay as they are. Where they ' +
    'would be sent to another address they have to be given again. For a webhook a secret is ' +
    'made when none is given, and shown once, in the 201. A channel is shown floor(share × ' +
    'available) − buffer, at most max and never below 0. driftPolicy says what happens when it ' +
    'shows another figure than it was told: ours sends our figure at once, hold waits until the ' +
    'drift is approved.',
  access: 'member',
  params: { channelId },
  body: z.strictObject({
    kind: name.openapi({ example: 'webhook' }),
    config: settings.openapi({ example: { url: 'https://shop.example/stock' } }),
    credentials: settings.optional(),
    mode: z.enum(['latest', 'every']).optional(),
    rateLimitRps: z.number().min(0.01).max(100_000).nullable().optional(),
    timeoutMs: z.int().min(1).max(60_000).optional(),
    maxAttempts: z.int().min(1).max(1000).nullable().optional(),
    enabled: z.boolean().optional(),
    buffer: bufferSchema.nullable().optional().openapi(bufferAsDescribed),
    batchWindowMs: z.int().min(0).max(3_600_000).nullable().optional(),
    driftPolicy: z.enum(['ours', 'hold']).optional(),
  }),
  responses: {
    200: { description: 'It was there', schema: channelView },
    201: {
      description: 'It is new',
      // Not `extend`: the description would ask for a Channel, which has no more members, and for
      // one member more, which no answer can be.
      schema: z.strictObject({
        ...channelView.shape,
        credentials: z.strictObject({ secret: z.string() }).optional(),
      }),
    },
  },
  refusals: ['CHANNEL.UNKNOWN_KIND', 'CHANNEL.KIND_CHANGED', 'CHANNEL.CREDENTIALS_MISSING'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const { db, adapters, secretBox, clock, config } = services;
    const presets = config.inventorySync.channels;
    const input = { merchantId, ...params, ...body };
    const result = await saveChannel(db, { adapters, secretBox, clock, presets }, input);
    if (!result.ok) {
      // Settings that a kind does not take are a request that is not valid, as any other.
      const errors = fieldErrors.safeParse(result.refusal.data?.['errors']);
      return errors.success ? invalid(errors.data) : result.refusal;
    }
    services.wakeChannels();
    const { created, channel, generatedSecret: secret } = result.value;
    return json(
      created ? 201 : 200,
      secret === undefined ? channel : { ...channel, credentials: { secret } },
    );
  },
});
