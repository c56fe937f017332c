import { z } from '@hono/zod-openapi';
import { extendReservation as extendHold } from '../../reservations/index.ts';
import { replyOf, submitCommand } from '../command-reply.ts';
import { ownId, ttlSeconds } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { keyed } from '../stock-commands.ts';
import { reservationView } from '../views.ts';

export const extendReservation = defineOperation({
  method: 'post',
  path: '/api/reservations/{reservationId}/extend',
  tag: 'Reservations',
  summary: 'Let a hold last so many seconds from now',
  access: 'member',
  changes: true,
  idempotency: 'command',
  params: { reservationId: ownId },
  body: z.strictObject({ ttlSeconds }),
  responses: { 200: { description: 'The reservation', schema: reservationView } },
  refusals: ['RESERVATION.NOT_FOUND', 'RESERVATION.NOT_ACTIVE', 'STOCK.BUSY'],
  async handle(call) {
    const { caller, params, body, services } = call;
    const input = {
      merchantId: caller.merchantId,
      reservationId: params.reservationId,
      actor: caller.keyId,
      idempotencyKey: keyed(call, () => ['extend', params.reservationId, body.ttlSeconds]),
    };
    return replyOf(await submitCommand(services, extendHold(input, body.ttlSeconds)));
  },
});
