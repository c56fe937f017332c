import { releaseReservation as releaseHold } from '../../reservations/index.ts';
import { replyOf, submitCommand } from '../command-reply.ts';
import { noFields, ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { keyed } from '../stock-commands.ts';
import { reservationView } from '../views.ts';

export const releaseReservation = defineOperation({
  method: 'post',
  path: '/api/reservations/{reservationId}/release',
  tag: 'Reservations',
  summary: 'Give a hold back',
  access: 'member',
  changes: true,
  idempotency: 'command',
  params: { reservationId: ownId },
  body: noFields,
  bodyOptional: true,
  responses: { 200: { description: 'The reservation', schema: reservationView } },
  refusals: ['RESERVATION.NOT_FOUND', 'RESERVATION.NOT_ACTIVE', 'STOCK.BUSY'],
  async handle(call) {
    const { caller, params, services } = call;
    const input = {
      merchantId: caller.merchantId,
      reservationId: params.reservationId,
      actor: caller.keyId,
      idempotencyKey: keyed(call, () => ['release', params.reservationId]),
    };
    return replyOf(await submitCommand(services, releaseHold(input)));
  },
});
