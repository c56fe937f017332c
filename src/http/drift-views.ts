import { z } from '@hono/zod-openapi';
import { timeView } from './views.ts';

// What answers about drift look like.

export const driftStatuses = ['pending', 'settling', 'settled', 'ignored', 'superseded'] as const;

export const driftView = z
  .strictObject({
    driftId: z.string(),
    sku: z.string(),
    storeId: z.string(),
    channelId: z.string().nullable(),
    sourceId: z.string().nullable(),
    expected: z.int(),
    observed: z.int(),
    units: z.int().openapi({ description: 'Expected less observed' }),
    cause: z.string(),
    action: z.string(),
    status: z.enum(driftStatuses),
    foundAt: timeView,
    settledAt: timeView.nullable(),
  })
  .openapi('Drift');
