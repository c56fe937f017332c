import { z } from '@hono/zod-openapi';
import { reportedQuantities } from '../sources/index.ts';
import { quantities } from '../stock/index.ts';
import { storeId } from './fields.ts';
import { timeView } from './views.ts';

// What answers about sources look like.

export const claim = z.strictObject({
  quantity: z.enum(reportedQuantities),
  stores: z.array(storeId).min(1).max(10_000).optional(),
});

export const runView = z
  .strictObject({
    runId: z.string(),
    sourceId: z.string(),
    trigger: z.enum(['schedule', 'request', 'push']),
    status: z.enum(['running', 'succeeded', 'failed', 'blocked', 'stopped', 'interrupted']),
    code: z.string().nullable(),
    pages: z.int(),
    read: z.int(),
    applied: z.int(),
    unchanged: z.int(),
    stale: z.int(),
    refused: z.int(),
    held: z.int(),
    quarantined: z.int(),
    startedAt: timeView,
    finishedAt: timeView.nullable(),
  })
  .openapi('SourceRun');

export const sourceView = z
  .strictObject({
    sourceId: z.string(),
    kind: z.string(),
    mode: z.enum(['delta', 'full']),
    config: z.record(z.string(), z.unknown()),
    hasCredentials: z.boolean(),
    owns: z.array(z.strictObject({ quantity: z.string(), stores: z.array(z.string()).optional() })),
    intervalMinutes: z.number(),
    batchSize: z.int(),
    guards: z.strictObject({
      massZeroPercent: z.number(),
      maxDeltaPercent: z.number().nullable(),
      unknownSkus: z.enum(['create', 'hold']),
    }),
    enabled: z.boolean(),
    watermark: z.string().nullable(),
    snapshotSince: timeView.nullable(),
    blockedUntil: timeView.nullable(),
    lastRun: runView.nullable(),
    nextRunAt: timeView.nullable(),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .openapi('Source');

export const syncStatusView = z.strictObject({
  running: z.boolean(),
  intervalSeconds: z.number().nullable(),
  stoppedAt: timeView.nullable(),
  sources: z.array(sourceView),
});

export const quarantineView = z
  .strictObject({
    quarantineId: z.string(),
    sourceId: z.string(),
    sku: z.string(),
    storeId: z.string(),
    quantity: z.enum(quantities),
    current: z.int(),
    value: z.int(),
    observedAt: timeView,
    cause: z.enum(['mass_zero', 'max_delta']),
    status: z.enum(['pending', 'approved', 'refused', 'superseded']),
    runId: z.string(),
    createdAt: timeView,
    decidedAt: timeView.nullable(),
    decidedBy: z.string().nullable(),
  })
  .openapi('Quarantine');

export const heldItemView = z
  .strictObject({
    sourceId: z.string(),
    itemKey: z.string(),
    item: z.unknown(),
    code: z.string(),
    heldAt: timeView,
  })
  .openapi('HeldItem');
