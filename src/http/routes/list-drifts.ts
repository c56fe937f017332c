import { z } from '@hono/zod-openapi';
import { driftsAsCsv, listDrifts as readDrifts } from '../../reconciliation/index.ts';
import { page, readCursor, writeCursor } from '../cursor.ts';
import { driftStatuses, driftView } from '../drift-views.ts';
import { channelId, defaultLimit, ownId, paging, sourceId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView } from '../views.ts';

export const listDrifts = defineOperation({
  method: 'get',
  path: '/api/drifts',
  tag: 'Reconciliation',
  summary: 'List figures that are shown otherwise than expected',
  access: 'member',
  description:
    'With `Accept: text/csv` the page is a table; where the next one begins stands in ' +
    '`X-Next-Cursor`.',
  query: {
    channelId: channelId.optional(),
    sourceId: sourceId.optional(),
    reconciliationId: ownId.optional(),
    status: z.enum(driftStatuses).optional(),
    ...paging,
  },
  responses: {
    200: {
      description: 'A page, newest first',
      schema: pageView(driftView),
      textType: 'text/csv',
    },
  },
  async handle({ caller: { merchantId }, query, services, incoming }) {
    const after = readCursor(query.cursor, ownId);
    if (!after.ok) return after.refusal;
    const { limit = defaultLimit, cursor: _cursor, ...filter } = query;
    const wanted = { merchantId, ...filter, after: after.value, limit };
    const found = await readDrifts(services.db, wanted);
    if (wantsCsv(incoming.headers.accept)) {
      const headers = found.next === undefined ? {} : { 'X-Next-Cursor': writeCursor(found.next) };
      const contentType = 'text/csv; charset=utf-8';
      return { status: 200, body: driftsAsCsv(found.items), contentType, headers };
    }
    return page(found.items, found.next);
  },
});

/** Whether a table is asked for, and before JSON. */
function wantsCsv(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';')[0]?.trim());
  const csv = types.indexOf('text/csv');
  const json = types.indexOf('application/json');
  return csv >= 0 && (json < 0 || csv < json);
}
