import {
  getReservation as readReservation,
  reservationNotFound,
} from '../../reservations/index.ts';
import { ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { reservationView } from '../views.ts';

export const getReservation = defineOperation({
  method: 'get',
  path: '/api/reservations/{reservationId}',
  tag: 'Reservations',
  summary: 'Show a reservation',
  access: 'member',
  params: { reservationId: ownId },
  responses: { 200: { description: 'The reservation', schema: reservationView } },
  refusals: ['RESERVATION.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, services: { db, pool, clock } }) {
    const found = await readReservation(db, pool, { merchantId, ...params }, clock.offsetMs);
    return found === undefined ? reservationNotFound(params.reservationId) : json(200, found);
  },
});
