import { listLevelsOfSku, quantities } from '../../stock/index.ts';
import { sku } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { skuNotFound } from '../stock-commands.ts';
import { stockOfSkuView } from '../views.ts';

const summed = [...quantities, 'available'] as const;

export const getStockOfSku = defineOperation({
  method: 'get',
  path: '/api/stock/{sku}',
  tag: 'Stock',
  summary: "Show a SKU's stock: every store, and their sum",
  access: 'member',
  params: { sku },
  responses: { 200: { description: 'The stock', schema: stockOfSkuView } },
  refusals: ['STOCK.NOT_FOUND'],
  async handle({ caller, params, services: { db, clock } }) {
    const stores = await listLevelsOfSku(db, caller.merchantId, params.sku, clock.offsetMs);
    if (stores.length === 0) return skuNotFound(params.sku);
    const total = Object.fromEntries(
      summed.map((figure) => [figure, stores.reduce((sum, level) => sum + level[figure], 0)]),
    );
    return json(200, { sku: params.sku, total, stores });
  },
});
