import { z } from '@hono/zod-openapi';
import { createKey as makeKey } from '../../merchants/index.ts';
import { name } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';

export const createKey = defineOperation({
  method: 'post',
  path: '/api/keys',
  tag: 'Merchants',
  summary: 'Make an API key; it is shown once',
  access: 'admin',
  idempotency: 'secret-claim',
  body: z.strictObject({ name, role: z.literal('admin').optional() }),
  responses: {
    201: {
      description: 'The key, which cannot be shown again',
      schema: z.strictObject({ keyId: z.string(), key: z.string() }),
    },
  },
  async handle({ caller: { merchantId }, body, services }) {
    const role = body.role ?? 'member';
    return json(201, await makeKey(services.db, { merchantId, name: body.name, role }));
  },
});
