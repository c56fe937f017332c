import { z } from '@hono/zod-openapi';
import { timeView } from './views.ts';

// What answers about channels look like.

export const channelView = z
  .strictObject({
    channelId: z.string(),
    kind: z.string(),
    config: z.record(z.string(), z.unknown()),
    mode: z.enum(['latest', 'every']),
    rateLimitRps: z.number().nullable(),
    timeoutMs: z.int(),
    maxAttempts: z.int().nullable(),
    buffer: z.unknown(),
    enabled: z.boolean(),
    status: z.enum(['active', 'paused', 'disabled']),
    pausedAt: timeView.nullable(),
    pauseReason: z.string().nullable(),
    blockedUntil: timeView.nullable(),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .openapi('Channel');

export const listingView = z
  .strictObject({
    sku: z.string(),
    storeId: z.string(),
    externalIds: z.unknown(),
    publishedQuantity: z.int().nullable(),
    publishedVersion: z.int(),
    publishedAt: timeView.nullable(),
    pending: z.boolean(),
    state: z.enum(['idle', 'queued', 'dead']),
  })
  .openapi('Listing');

export const deliveryStatuses = [
  'delivered',
  'suppressed',
  'retrying',
  'dead',
  'redriving',
  'redriven',
  'superseded',
] as const;

const attemptView = z.strictObject({
  attempt: z.int(),
  startedAt: timeView,
  outcome: z.enum(['delivered', 'suppressed', 'failed']),
  httpStatus: z.int().nullable(),
  errorCode: z.string().nullable(),
  lagMs: z.number().nullable(),
  durationMs: z.number(),
});

export const deliveryView = z
  .strictObject({
    deliveryId: z.string(),
    channelId: z.string(),
    status: z.enum(deliveryStatuses),
    jobId: z.string(),
    messageId: z.string().nullable(),
    listings: z.int(),
    createdAt: timeView,
    updatedAt: timeView,
    attempts: z.array(attemptView),
  })
  .openapi('Delivery');
