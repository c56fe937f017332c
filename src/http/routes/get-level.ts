import { stockNotFound } from '../../stock/index.ts';
import { sku, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { hasVersion } from '../preconditions.ts';
import { levelView } from '../views.ts';

export const getLevel = defineOperation({
  method: 'get',
  path: '/api/inventory/stores/{storeId}/inventory/{sku}',
  tag: 'Stock',
  summary: 'Show a stock level',
  access: 'member',
  params: { storeId, sku },
  responses: {
    200: { description: 'The level, with its version as ETag', schema: levelView },
    304: { description: 'Still the version in If-None-Match' },
  },
  refusals: ['STOCK.NOT_FOUND'],
  async handle({ caller: { merchantId }, params, ifNoneMatch, services }) {
    const read = await services.levels.read({ merchantId, ...params });
    if (read === undefined) return stockNotFound(params);
    const { version, text } = read;
    // A hold that has ended frees units before the sweep makes a version of it.
    const isSame = !read.holdsEnded && hasVersion(ifNoneMatch, version);
    return isSame ? { status: 304, body: null, version } : { status: 200, body: text, version };
  },
});
