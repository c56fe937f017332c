import { z } from '@hono/zod-openapi';
import { putMerchant as saveMerchant } from '../../merchants/index.ts';
import { merchantId, text } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { merchantView } from '../views.ts';

export const putMerchant = defineOperation({
  method: 'put',
  path: '/api/merchants/{merchantId}',
  tag: 'Merchants',
  summary: 'Create or rename a merchant',
  access: 'root',
  params: { merchantId },
  body: z.strictObject({ name: text.nullable().optional() }),
  bodyOptional: true,
  responses: {
    200: { description: 'It was there', schema: merchantView },
    201: { description: 'It is new', schema: merchantView },
  },
  async handle({ params, body, services }) {
    const { created, merchant } = await saveMerchant(services.db, { ...params, name: body.name });
    return json(created ? 201 : 200, merchant);
  },
});
