import { z } from '@hono/zod-openapi';
import { timeView } from './views.ts';

// What answers about drift look like.

export const driftStatuses = ['pending', 'settling', 'settled', 'ignored', 'superseded'] as const;

const entryView = z.strictObject({
  entryId: z.string(),
  version: z.int(),
  quantity: z.string(),
  delta: z.int(),
  reason: z.string().nullable(),
  actor: z.string().nullable(),
  sourceChannel: z.string().nullable(),
  recordedAt: timeView,
});

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
    reconciliationId: z
      .string()
      .nullable()
      .openapi({ description: 'The run that found it; null: a delivery did' }),
    quantity: z
      .string()
      .nullable()
      .openapi({ description: 'Of a source; null: what the channel shows' }),
    agreedAt: timeView.nullable().openapi({ description: 'When both were known to agree last' }),
    entryCount: z
      .int()
      .openapi({ description: "The ledger's entries since then, 100 at the most" }),
    entries: z.array(entryView).openapi({ description: 'The newest 20 of them' }),
  })
  .openapi('Drift');

const partView = z.strictObject({
  channelId: z.string().nullable(),
  sourceId: z.string().nullable(),
  status: z.enum(['reading', 'confirming', 'finished', 'failed']),
  code: z.string().nullable().openapi({ description: 'Why it failed, or what could not be done' }),
  compared: z.int(),
  inFlight: z.int(),
  missing: z.int(),
  drifts: z.int(),
});

export const reconciliationView = z
  .strictObject({
    reconciliationId: z.string(),
    trigger: z.enum(['schedule', 'request']),
    status: z.enum(['queued', 'running', 'settling', 'finished']),
    compared: z.int(),
    inFlight: z.int().openapi({ description: 'Left out because something was on its way' }),
    missing: z.int().openapi({ description: 'Listings that the channel does not have' }),
    drifts: z.int(),
    settled: z.int(),
    pending: z.int().openapi({ description: 'Drifts that wait for an approval' }),
    parts: z.array(partView),
    ledger: z
      .record(z.string(), z.int())
      .openapi({ description: 'Rows of each audit view that holds the ledger against the levels' }),
    requestedAt: timeView,
    startedAt: timeView.nullable(),
    finishedAt: timeView.nullable(),
  })
  .openapi('Reconciliation');
