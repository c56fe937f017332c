import { z } from '@hono/zod-openapi';
import { putCategories } from '../../safety-stock/index.ts';
import { category } from '../buffer-views.ts';
import { sku } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const putSafetyCategories = defineOperation({
  method: 'put',
  path: '/api/safety-buffers/categories',
  tag: 'Safety stock',
  summary: 'Put SKUs into categories, or with null into none',
  access: 'member',
  body: z.strictObject({
    items: z
      .array(z.strictObject({ sku, category: category.nullable() }))
      .min(1)
      .max(2_000),
  }),
  responses: {
    200: {
      description: 'How many were changed; levels follow soon after',
      schema: z.strictObject({ changed: z.int() }),
    },
  },
  async handle({ caller: { merchantId }, body, services }) {
    const changed = await putCategories(services.db, merchantId, body.items);
    services.wakeBuffers();
    return json(200, { changed });
  },
});
