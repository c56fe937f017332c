import { z } from '@hono/zod-openapi';
import { effectOnAvailable, listLevelsOfSku, quantities } from '../../stock/index.ts';
import { queryFlag, sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { skuNotFound } from '../stock-commands.ts';
import { timeView } from '../views.ts';

const counting = quantities.filter((quantity) => effectOnAvailable[quantity] !== 0);

const term = z.strictObject({
  quantity: z.enum(quantities),
  value: z.int(),
  source: z.string(),
  observedAt: timeView,
  ageSeconds: z.number(),
});

export const getAvailable = defineOperation({
  method: 'get',
  path: '/api/stock/{sku}/available',
  tag: 'Stock',
  summary: 'What can be sold of a SKU, and of what that is made',
  description:
    'At one store, or at all of them together. observedAt is when the figures changed last; ' +
    'of several stores the one that changed the longest ago.',
  access: 'member',
  params: { sku },
  query: { storeId: storeId.optional(), explain: queryFlag.optional() },
  responses: {
    200: {
      description: 'Available, with its terms when they are asked for',
      schema: z.strictObject({ available: z.int(), terms: z.array(term).optional() }),
    },
  },
  refusals: ['STOCK.NOT_FOUND'],
  async handle({ caller, params, query, services: { db, clock } }) {
    const all = await listLevelsOfSku(db, caller.merchantId, params.sku, clock.offsetMs);
    const levels = all.filter((level) => level.storeId === (query.storeId ?? level.storeId));
    const [first] = levels;
    if (first === undefined) return skuNotFound(params.sku);
    const available = levels.reduce((sum, level) => sum + level.available, 0);
    if (query.explain !== true) return json(200, { available });
    const observedAt = levels.map((level) => level.updatedAt).toSorted()[0] ?? first.updatedAt;
    const ageMs = Math.max(0, clock.now().getTime() - Date.parse(observedAt));
    const terms = counting.map((quantity) => ({
      quantity,
      value: levels.reduce((sum, level) => sum + level[quantity], 0),
      source: 'onhand',
      observedAt,
      ageSeconds: Math.round(ageMs) / 1000,
    }));
    return json(200, { available, terms });
  },
});
