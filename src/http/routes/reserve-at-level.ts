import { z } from '@hono/zod-openapi';
import { reserveAtLevel as holdAtLevel } from '../../reservations/index.ts';
import { levelReplyOf, submitCommand } from '../command-reply.ts';
import { name, sku, storeId, ttlSeconds, units, version } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { defaultTtlSeconds } from '../reservation-ttl.ts';
import { keyed } from '../stock-commands.ts';
import { levelView, reservationView } from '../views.ts';

export const reserveAtLevel = defineOperation({
  method: 'post',
  path: '/api/inventory/stores/{storeId}/inventory/{sku}/reserve',
  tag: 'Stock',
  summary: 'Hold units of a stock level for a limited time',
  access: 'member',
  changes: true,
  idempotency: 'command',
  takesIfMatch: true,
  params: { storeId, sku },
  body: z.strictObject({
    quantity: units,
    orderId: name.optional(),
    ttlSeconds: ttlSeconds.optional(),
    expectedVersion: version.optional(),
  }),
  responses: {
    201: {
      description: 'The hold and the level',
      schema: z.strictObject({ reservation: reservationView, level: levelView }),
    },
  },
  refusals: [
    'STORE.NOT_FOUND',
    'STOCK.PRECONDITION_FAILED',
    'STOCK.VERSION_CONFLICT',
    'STOCK.INSUFFICIENT',
    'STOCK.OUT_OF_RANGE',
    'STOCK.BUSY',
  ],
  async handle(call) {
    const { caller, params, body, ifMatch, services } = call;
    const { quantity, orderId, expectedVersion } = body;
    const command = holdAtLevel(
      {
        merchantId: caller.merchantId,
        actor: caller.keyId,
        orderId: orderId ?? null,
        line: { ...params, quantity },
        ttlSeconds: body.ttlSeconds ?? defaultTtlSeconds(services.config),
        idempotencyKey: keyed(call, () => ['reserve', params, body, ifMatch]),
      },
      { ifMatch, expectedVersion },
    );
    return levelReplyOf(await submitCommand(services, command));
  },
});
