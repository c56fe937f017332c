import { z } from '@hono/zod-openapi';
import { reservationStatuses } from '../reservations/index.ts';
import { quantities } from '../stock/index.ts';

// What answers look like. Tests compare every answer with these.

export const timeView = z.iso.datetime();

const figures = Object.fromEntries(quantities.map((quantity) => [quantity, z.int()])) as Record<
  (typeof quantities)[number],
  z.ZodInt
>;

export const levelView = z
  .strictObject({
    storeId: z.string(),
    sku: z.string(),
    ...figures,
    available: z.int(),
    version: z.int().min(1),
    updatedAt: timeView,
  })
  .openapi('Level');

export const stockOfSkuView = z.strictObject({
  sku: z.string(),
  total: z.strictObject({ ...figures, available: z.int() }),
  stores: z.array(levelView),
});

export const lineView = z
  .strictObject({ storeId: z.string(), sku: z.string(), quantity: z.int().min(1) })
  .openapi('Line');

export const reservationView = z
  .strictObject({
    reservationId: z.string(),
    orderId: z.string().nullable(),
    status: z.enum(reservationStatuses),
    expiresAt: timeView,
    lines: z.array(lineView),
    late: z.literal(true).optional(),
  })
  .openapi('Reservation');

export const storeView = z
  .strictObject({
    storeId: z.string(),
    name: z.string().nullable(),
    kind: z.enum(['store', 'warehouse']),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .openapi('Store');

export const merchantView = z
  .strictObject({ merchantId: z.string(), name: z.string().nullable(), createdAt: timeView })
  .openapi('Merchant');

export const keyView = z
  .strictObject({
    keyId: z.string(),
    name: z.string(),
    role: z.enum(['admin', 'member']),
    createdAt: timeView,
  })
  .openapi('Key');

export const ledgerEntryView = z
  .strictObject({
    entryId: z.string(),
    storeId: z.string(),
    sku: z.string(),
    quantity: z.enum(quantities),
    delta: z.int(),
    balanceAfter: z.int(),
    version: z.int(),
    reason: z.string().nullable(),
    reference: z.string().nullable(),
    actor: z.string().nullable(),
    sourceChannel: z.string().nullable(),
    commandId: z.string(),
    occurredAt: timeView,
    recordedAt: timeView,
  })
  .openapi('LedgerEntry');

export const mutationResultView = z
  .strictObject({
    id: z.string(),
    status: z.enum(['applied', 'replayed', 'rejected']),
    version: z.int().optional(),
    available: z.int().optional(),
    code: z.string().optional(),
    detail: z.string().optional(),
  })
  .openapi('MutationResult');

export const problemView = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    instance: z.string(),
    requestId: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

/** A page of a list. */
export function pageView(item: z.ZodType) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}
