import { z } from '@hono/zod-openapi';

export const webhookStatus = z.enum(['waiting', 'done', 'ignored', 'stale', 'poison']);

export const inboxView = z.strictObject({
  channelId: z.string(),
  webhookId: z.string(),
  topic: z.string(),
  status: webhookStatus,
  attempts: z.int(),
  errorCode: z.string().nullable(),
  receivedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
});

export const openQuestionView = z.strictObject({
  channelId: z.string(),
  orderId: z.string(),
  lineId: z.string(),
  listingKey: z.string().nullable(),
  channelSku: z.string().nullable(),
  place: z.string().nullable(),
  quantity: z.int(),
});
