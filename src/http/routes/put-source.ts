import { z } from '@hono/zod-openapi';
import { putSource as saveSource } from '../../sources/index.ts';
import { name, sourceId, storable } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { invalid } from '../request-text.ts';
import { claim, sourceView } from '../source-views.ts';

const settings = z
  .record(z.string(), z.unknown())
  .refine(storable, { error: 'Texts have no NUL, and nest at most 32 deep' });

const fieldErrors = z.array(z.object({ path: z.string(), message: z.string() }));

export const putSource = defineOperation({
  method: 'put',
  path: '/api/sources/{sourceId}',
  tag: 'Sources',
  summary: 'Create a source or replace its settings',
  description:
    'A quantity at a location has one owner: a second source that claims it is refused. ' +
    'Credentials are never given back; those that are not given stay as they are. ' +
    'For another address they have to be given again.',
  access: 'member',
  params: { sourceId },
  body: z.strictObject({
    kind: name.openapi({ example: 'http' }),
    mode: z.enum(['delta', 'full']).optional(),
    config: settings.default({}).openapi({ example: { url: 'https://erp.example/changes' } }),
    credentials: settings.optional(),
    owns: z.array(claim).max(100),
    intervalMinutes: z.number().min(0.01).max(525_600).nullable().optional(),
    batchSize: z.int().min(1).max(10_000).nullable().optional(),
    guards: z
      .strictObject({
        massZeroPercent: z.number().min(0).max(100).optional(),
        maxDeltaPercent: z.number().min(0).max(1_000_000).nullable().optional(),
        unknownSkus: z.enum(['create', 'hold']).optional(),
      })
      .optional(),
    enabled: z.boolean().optional(),
  }),
  responses: {
    200: { description: 'It was there', schema: sourceView },
    201: { description: 'It is new', schema: sourceView },
  },
  refusals: ['SOURCE.UNKNOWN_KIND', 'SOURCE.KIND_CHANGED', 'SOURCE.OWNED_BY_OTHER'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const result = await saveSource(services.sources, { merchantId, ...params, ...body });
    if (!result.ok) {
      // Settings that a kind does not take are a request that is not valid, as any other.
      const errors = fieldErrors.safeParse(result.refusal.data?.['errors']);
      return errors.success ? invalid(errors.data) : result.refusal;
    }
    services.wakeSources();
    const { created, source } = result.value;
    return json(created ? 201 : 200, source);
  },
});
