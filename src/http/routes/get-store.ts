import { getLocation, storeNotFound } from '../../stock/index.ts';
import { storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { storeView } from '../views.ts';

export const getStore = defineOperation({
  method: 'get',
  path: '/api/stores/{storeId}',
  tag: 'Locations',
  summary: 'Show a location',
  access: 'member',
  params: { storeId },
  responses: { 200: { description: 'The location', schema: storeView } },
  refusals: ['STORE.NOT_FOUND'],
  async handle({ caller, params, services }) {
    const location = await getLocation(services.db, caller.merchantId, params.storeId);
    return location === undefined ? storeNotFound(params.storeId) : json(200, location);
  },
});
