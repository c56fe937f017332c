import { z } from '@hono/zod-openapi';
import { levelReplyOf, submitCommand } from '../command-reply.ts';
import { count, sku, storeId, text, version } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { setCommand } from '../stock-commands.ts';
import { levelView } from '../views.ts';

export const putLevel = defineOperation({
  method: 'put',
  path: '/api/inventory/stores/{storeId}/inventory/{sku}',
  tag: 'Stock',
  summary: 'Set on hand to a counted figure',
  description: 'A fact: available may fall below zero; the level is then oversold.',
  access: 'member',
  changes: true,
  idempotency: 'command',
  takesIfMatch: true,
  params: { storeId, sku },
  body: z.strictObject({
    onHand: count,
    reason: text.optional(),
    reference: text.optional(),
    expectedVersion: version.optional(),
  }),
  responses: {
    200: { description: 'The level', schema: levelView },
    201: { description: 'The level, which is new', schema: levelView },
  },
  refusals: [
    'STORE.NOT_FOUND',
    'STOCK.PRECONDITION_FAILED',
    'STOCK.VERSION_CONFLICT',
    'STOCK.BUSY',
  ],
  async handle(call) {
    const command = setCommand(call, { ...call.params, ...call.body });
    return levelReplyOf(await submitCommand(call.services, command));
  },
});
