import { z } from '@hono/zod-openapi';
import { verifyWebhook } from '../../channels/index.ts';
import { refuse, type Refusal } from '../../errors.ts';
import { defaultMerchantId } from '../../merchants/index.ts';
import { itemSchema, pushItems, pushSecretOf, reportedQuantities } from '../../sources/index.ts';
import type { Call } from '../context.ts';
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
  maySign: true,
  changes: true,
  idempotency: 'claim',
  params: { sourceId },
  body: z.strictObject({ items: z.array(itemSchema).max(10_000) }).refine(storable, {
    error: 'Texts have no NUL',
  }),
  bodyAsDescribed: described,
  responses: { 200: { description: 'What became of the items', schema: runView } },
  refusals: ['SOURCE.NOT_FOUND', 'SOURCE.DISABLED'],
  async handle(call) {
    const signer = call.caller.merchantId === '' ? await merchantOfSigner(call) : undefined;
    if (typeof signer === 'object') return signer;
    const merchantId = signer ?? call.caller.merchantId;
    const { params, body, services } = call;
    const result = await pushItems(services.sources, { merchantId, ...params, ...body });
    return result.ok ? json(200, result.value) : result.refusal;
  },
});

type PushCall = Call<{ sourceId: string }, unknown, unknown>;

const unsigned = refuse('AUTH.MISSING', 'Send your key, or sign the body.');

/** Whose source has signed the request. Refusals: AUTH.MISSING, AUTH.INVALID. */
async function merchantOfSigner(call: PushCall): Promise<string | Refusal> {
  const { headers } = call.incoming;
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => {
    const value = headers[`webhook-${name}`];
    return typeof value === 'string' ? value : undefined;
  });
  if (signature === undefined) return unsigned;
  const named = headers['x-merchant-id'];
  const merchantId = named === undefined ? defaultMerchantId : headerText(String(named));
  const secret = await pushSecretOf(call.services.sources, merchantId, call.params.sourceId);
  const message = { id, timestamp, signature, body: call.rawBody ?? '' };
  // Where there is no secret, nobody is told that there is none.
  const refusal =
    secret === undefined
      ? refuse('WEBHOOK.SIGNATURE_INVALID', 'no signature fits the secret and the body')
      : verifyWebhook(secret, message, call.services.clock.now());
  return refusal === undefined
    ? merchantId
    : refuse('AUTH.INVALID', `The signature is not valid: ${refusal.detail}.`);
}
