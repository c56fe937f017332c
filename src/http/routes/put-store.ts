import { z } from '@hono/zod-openapi';
import { putLocation } from '../../stock/index.ts';
import { storeId, text } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { storeView } from '../views.ts';

export const putStore = defineOperation({
  method: 'put',
  path: '/api/stores/{storeId}',
  tag: 'Locations',
  summary: 'Create a location or change what is given of it',
  access: 'member',
  params: { storeId },
  body: z.strictObject({
    name: text.nullable().optional(),
    kind: z.enum(['store', 'warehouse']).optional(),
  }),
  bodyOptional: true,
  responses: {
    200: { description: 'It was there', schema: storeView },
    201: { description: 'It is new', schema: storeView },
  },
  async handle({ caller: { merchantId }, params, body, services }) {
    const { created, location } = await putLocation(services.db, {
      merchantId,
      ...params,
      ...body,
    });
    return json(created ? 201 : 200, location);
  },
});
