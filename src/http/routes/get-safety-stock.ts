import { z } from '@hono/zod-openapi';
import { judgeLevels } from '../../safety-stock/index.ts';
import { listLevelsOfSku } from '../../stock/index.ts';
import { keptLevelView } from '../buffer-views.ts';
import { sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { skuNotFound } from '../stock-commands.ts';

export const getSafetyStock = defineOperation({
  method: 'get',
  path: '/api/stock/{sku}/safety-stock',
  tag: 'Safety stock',
  summary: 'What is kept back of a SKU at each store, by which rule, and what that is made of',
  access: 'member',
  params: { sku },
  query: { storeId: storeId.optional() },
  responses: {
    200: {
      description: 'wanted: by the policy; safetyStock: as much of it as is free',
      schema: z.strictObject({ sku: z.string(), stores: z.array(keptLevelView) }),
    },
  },
  refusals: ['STOCK.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, query, services: { buffers } }) {
    const { db, clock } = buffers;
    const all = await listLevelsOfSku(db, merchantId, params.sku, clock.offsetMs);
    const levels = all.filter((level) => level.storeId === (query.storeId ?? level.storeId));
    if (levels.length === 0) return skuNotFound(params.sku);
    const judged = await judgeLevels(buffers, merchantId, levels);
    const stores = judged.map(({ level, rule, policy, velocity, wanted }) => ({
      storeId: level.storeId,
      safetyStock: level.safetyStock,
      wanted,
      rule: rule ?? null,
      policy,
      demand: velocity ?? null,
      level,
    }));
    return json(200, { sku: params.sku, stores });
  },
});
