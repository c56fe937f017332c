import { z } from '@hono/zod-openapi';
import { adjustableQuantities } from '../../stock/index.ts';
import { levelReplyOf, submitCommand } from '../command-reply.ts';
import { delta, occurredAt, sku, storeId, text, version } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { adjustCommand } from '../stock-commands.ts';
import { levelView } from '../views.ts';

export const adjustLevel = defineOperation({
  method: 'post',
  path: '/api/inventory/stores/{storeId}/inventory/{sku}/adjust',
  tag: 'Stock',
  summary: 'Change one quantity of a stock level',
  description: 'A guarded change never leaves less than nothing available; a fact may.',
  access: 'member',
  changes: true,
  idempotency: 'command',
  takesIfMatch: true,
  params: { storeId, sku },
  body: z.strictObject({
    delta,
    quantity: z.enum(adjustableQuantities).default('onHand'),
    reason: text.optional(),
    reference: text.optional(),
    sourceChannel: text.optional(),
    expectedVersion: version.optional(),
    occurredAt: occurredAt.optional(),
    mode: z.enum(['guarded', 'fact']).default('guarded'),
  }),
  responses: { 200: { description: 'The level', schema: levelView } },
  refusals: [
    'STORE.NOT_FOUND',
    'STOCK.PRECONDITION_FAILED',
    'STOCK.VERSION_CONFLICT',
    'STOCK.NOT_FOUND',
    'STOCK.OUT_OF_RANGE',
    'STOCK.INSUFFICIENT',
    'STOCK.BUSY',
  ],
  async handle(call) {
    const { params, body } = call;
    const change = { ...body, storeId: params.storeId, sku: params.sku };
    return levelReplyOf(await submitCommand(call.services, adjustCommand(call, change)));
  },
});
