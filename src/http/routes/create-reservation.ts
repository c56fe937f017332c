import { z } from '@hono/zod-openapi';
import { createReservation as hold } from '../../reservations/index.ts';
import { replyOf, submitCommand } from '../command-reply.ts';
import { lines, name, ttlSeconds } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { defaultTtlSeconds } from '../reservation-ttl.ts';
import { keyed } from '../stock-commands.ts';
import { reservationView } from '../views.ts';

export const createReservation = defineOperation({
  method: 'post',
  path: '/api/reservations',
  tag: 'Reservations',
  summary: 'Hold stock for an order, all lines or none',
  access: 'member',
  changes: true,
  idempotency: 'command',
  body: z.strictObject({ orderId: name, lines, ttlSeconds: ttlSeconds.optional() }),
  responses: { 201: { description: 'The reservation', schema: reservationView } },
  refusals: ['STORE.NOT_FOUND', 'STOCK.INSUFFICIENT', 'STOCK.OUT_OF_RANGE', 'STOCK.BUSY'],
  async handle(call) {
    const { caller, body, services } = call;
    const command = hold({
      merchantId: caller.merchantId,
      actor: caller.keyId,
      orderId: body.orderId,
      lines: body.lines,
      ttlSeconds: body.ttlSeconds ?? defaultTtlSeconds(services.config),
      idempotencyKey: keyed(call, () => ['reservation', body]),
    });
    return replyOf(await submitCommand(services, command));
  },
});
