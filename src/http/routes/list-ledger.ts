import { z } from '@hono/zod-openapi';
import { archivedBefore, listLedger as readLedger, parseEntryId } from '../../stock/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, paging, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { ledgerEntryView, pageView } from '../views.ts';

const entryId = z
  .string()
  .refine((id) => parseEntryId(id) !== undefined, { error: 'Expected the id of a ledger entry' });

const ledgerPage = pageView(ledgerEntryView).extend({
  archivedBefore: z.iso.datetime().nullable(),
});

export const listLedger = defineOperation({
  method: 'get',
  path: '/api/ledger',
  tag: 'Stock',
  summary: 'List ledger entries, oldest first',
  description:
    'after: the entryId of the last entry already seen; who reads on from there misses none. ' +
    'archivedBefore: entries that were ' +
    'recorded before that time were archived and are not listed; null when all are there.',
  access: 'member',
  query: {
    sku: sku.optional(),
    storeId: storeId.optional(),
    after: entryId.optional(),
    ...paging,
  },
  responses: { 200: { description: 'A page of entries', schema: ledgerPage } },
  async handle({ caller: { merchantId }, query, services }) {
    const cursor = readCursor(query.cursor, z.int().min(0));
    if (!cursor.ok) return cursor.refusal;
    const seen = query.after === undefined ? undefined : parseEntryId(query.after);
    const { items, next } = await readLedger(services.db, {
      merchantId,
      sku: query.sku,
      storeId: query.storeId,
      after: cursor.value ?? seen,
      limit: query.limit ?? defaultLimit,
    });
    const archived = await archivedBefore(services.db);
    return page(items, next, { archivedBefore: archived?.toISOString() ?? null });
  },
});
