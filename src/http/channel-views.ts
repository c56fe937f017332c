import { z } from '@hono/zod-openapi';
import { timeView } from './views.ts';

// What answers about channels look like.

/** A channel's buffer, for the API's description. */
export const bufferAsDescribed = {
  type: 'object' as const,
  description:
    'What a channel is not shown of what is available: units or percent (rounded up) of its ' +
    'share, the larger of both; widenWhileLaggingUnits on top while the channel lags.',
  example: { units: 2, percent: 10, max: 50, share: 0.5, widenWhileLaggingUnits: 1 },
};

/** How a channel does, by the process that leads it. */
export const channelFigures = z.strictObject({
  circuit: z.enum(['closed', 'open', 'half-open']),
  calls: z.strictObject({ running: z.int(), waiting: z.int() }),
  tokens: z.number().nullable(),
  waitMs: z.number(),
  throttled: z.int(),
  lastSuccessAt: timeView.nullable(),
  lastFailureAt: timeView.nullable(),
  lastFailureCode: z.string().nullable(),
  queueDepth: z.int(),
  lagMs: z.number(),
  isLagging: z.boolean(),
});

const channelState = channelFigures
  .extend({ notedAt: timeView })
  .openapi({ description: 'How it does, by the process that leads it; null before one did' });

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
    batchWindowMs: z.int().nullable(),
    driftPolicy: z.enum(['ours', 'hold']),
    enabled: z.boolean(),
    status: z.enum(['active', 'paused', 'disabled']),
    pausedAt: timeView.nullable(),
    pauseReason: z.string().nullable(),
    blockedUntil: timeView.nullable(),
    createdAt: timeView,
    updatedAt: timeView,
    state: channelState.nullable(),
  })
  .openapi('Channel');

/** One SKU at one store. */
export const placeView = z.strictObject({ storeId: z.string(), sku: z.string() }).openapi('Place');

export const listingView = z
  .strictObject({
    sku: z.string(),
    storeId: z.string(),
    externalIds: z.unknown(),
    publishedQuantity: z.int().nullable(),
    publishedVersion: z.int(),
    publishedAt: timeView.nullable(),
    pending: z.boolean(),
    state: z.enum(['idle', 'queued', 'accepted', 'waiting', 'held', 'dead']),
    waitsUntil: timeView.nullable(),
    pausedAt: timeView.nullable(),
  })
  .openapi('Listing');

export const deliveryStatuses = [
  'delivered',
  'suppressed',
  'accepted',
  'held',
  'retrying',
  'dead',
  'redriving',
  'redriven',
  'superseded',
] as const;

const attemptView = z.strictObject({
  attempt: z.int(),
  startedAt: timeView,
  outcome: z.enum(['delivered', 'suppressed', 'accepted', 'failed']),
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
