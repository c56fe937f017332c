import { z } from '@hono/zod-openapi';
import { atsQuantities, availableToSell } from '../../sources/index.ts';
import { queryFlag, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { skuNotFound } from '../stock-commands.ts';
import { timeView } from '../views.ts';

const term = z.strictObject({
  quantity: z.enum(atsQuantities),
  value: z.int(),
  source: z.string(),
  observedAt: timeView,
  ageSeconds: z.number(),
  state: z.enum(['stored', 'asked', 'lastKnown']),
});
const store = z.strictObject({ storeId: z.string(), available: z.int(), terms: z.array(term) });

export const getAvailable = defineOperation({
  method: 'get',
  path: '/api/stock/{sku}/available',
  tag: 'Stock',
  summary: 'What can be sold of a SKU, and of what that is made',
  description:
    'At one store or at all of them together. With explain every term has its owner (a source, ' +
    '`onhand`, or `several` for stores with different ones), when the owner last reported it ' +
    '(our own: when the level changed last; of several stores the longest ago), and whether it ' +
    'is as it was stored, was asked for just now, or is the last that is known of a source that ' +
    'did not answer; and without storeId the same of each store.',
  access: 'member',
  params: { sku },
  query: { storeId: storeId.optional(), explain: queryFlag.optional() },
  responses: {
    200: {
      description: 'Available, with its terms when they are asked for',
      schema: z.strictObject({
        available: z.int(),
        terms: z.array(term).optional(),
        stores: z.array(store).optional(),
      }),
    },
  },
  refusals: ['STOCK.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, query, services }) {
    const input = { merchantId, sku: params.sku, storeId: query.storeId };
    const found = await availableToSell(services.sources, services.onDemand, input);
    if (found === undefined) return skuNotFound(params.sku);
    const { available, terms, stores } = found;
    if (query.explain !== true) return json(200, { available });
    return json(200, { available, terms, ...(query.storeId === undefined ? { stores } : {}) });
  },
});
