import { z } from '@hono/zod-openapi';
import { verifyWebhook } from '../../channels/index.ts';
import { refuse, type Refusal } from '../../errors.ts';
import { defaultMerchantId } from '../../merchants/index.ts';
import { itemSchema, pushItems, pushSecretOf, reportedQuantities } from '../../sources/index.ts';
import type { Caller, SignedRequest } from '../context.ts';
import { sku, sourceId, storable, storeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { json } from '../reply.ts';
import { headerText } from '../request-text.ts';
import { runView } from '../source-views.ts';

const described = z.strictObject({
  items: z.array(
    z.strictObject({
      id: z.string().openapi({ example: 'evt-1' }),
      version: z.string().optional().openapi({ example: '17' }),
      sku,
      storeId,
      quantity: z.enum(reportedQuantities),
      op: z.enum(['set', 'adjust', 'delete']),
      value: z.int().optional().openapi({ example: 40 }),
      observedAt: z.iso.datetime({ offset: true }),
    }),
  ),
});

export const pushChanges = defineOperation({
  method: 'post',
  path: '/api/sources/{sourceId}/changes',
  tag: 'Sources',
  summary: 'Bring the changes of a source',
  description:
    'With a key, or without one signed after Standard Webhooks with the secret of the source; ' +
    'X-Merchant-Id then says whose source it is. All items in one transaction; a repeat changes ' +
    'nothing.',
  access: 'member',
  identifySigner,
  changes: true,
  idempotency: 'claim',
  params: { sourceId },
  body: z.strictObject({ items: z.array(itemSchema).max(10_000) }).refine(storable, {
    error: 'Texts have no NUL',
  }),
  bodyAsDescribed: described,
  responses: { 200: { description: 'What became of the items', schema: runView } },
  refusals: ['SOURCE.NOT_FOUND', 'SOURCE.DISABLED'],
  async handle({ caller: { merchantId }, params, body, services }) {
    const result = await pushItems(services.sources, { merchantId, ...params, ...body });
    return result.ok ? json(200, result.value) : result.refusal;
  },
});

/** The source that signed the request, of the merchant that it names. Refusals: AUTH.INVALID. */
async function identifySigner(request: SignedRequest): Promise<Caller | Refusal> {
  const { params, body, incoming, services } = request;
  const { headers } = incoming;
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => {
    const value = headers[`webhook-${name}`];
    return typeof value === 'string' ? value : undefined;
  });
  const named = headers['x-merchant-id'];
  const merchantId = named === undefined ? defaultMerchantId : headerText(String(named));
  const source = sourceId.safeParse(params['sourceId']);
  const secret = source.success
    ? await pushSecretOf(services.sources, merchantId, source.data)
    : undefined;
  // Where there is no secret, nobody is told that there is none.
  const refusal =
    secret === undefined
      ? refuse('WEBHOOK.SIGNATURE_INVALID', 'no signature fits the secret and the body')
      : verifyWebhook(secret, { id, timestamp, signature, body }, services.clock.now());
  if (refusal !== undefined) {
    return refuse('AUTH.INVALID', `The signature is not valid: ${refusal.detail}.`);
  }
  const names = ['signer', merchantId, String(source.data)].map(encodeURIComponent);
  return { merchantId, keyId: names.join('/'), role: 'member' };
}
