import { z } from '@hono/zod-openapi';
import {
  listReservations as readReservations,
  reservationStatuses,
} from '../../reservations/index.ts';
import { page, readCursor } from '../cursor.ts';
import { defaultLimit, name, ownId, paging } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { pageView, reservationView } from '../views.ts';

export const listReservations = defineOperation({
  method: 'get',
  path: '/api/reservations',
  tag: 'Reservations',
  summary: 'List reservations',
  access: 'member',
  query: {
    orderId: name.optional(),
    status: z.enum(reservationStatuses).optional(),
    ...paging,
  },
  responses: { 200: { description: 'A page, oldest first', schema: pageView(reservationView) } },
  async handle({ caller: { merchantId }, query, services: { db, pool, clock } }) {
    const after = readCursor(query.cursor, ownId);
    if (!after.ok) return after.refusal;
    const { orderId, status, limit = defaultLimit } = query;
    const filter = { merchantId, orderId, status, after: after.value, limit };
    const found = await readReservations(db, pool, filter, clock.offsetMs);
    return page(found.items, found.next);
  },
});
