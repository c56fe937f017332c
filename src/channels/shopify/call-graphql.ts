import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { costSchema, type Cost } from './cost.ts';
import { failureOfErrors, failureOfHttp, jsonOf } from './failures.ts';
import { endpointOf, type ShopifyContext } from './settings.ts';

export type GraphqlAnswer<Data> =
  | { readonly ok: true; readonly data: Data; readonly cost: Cost | undefined }
  | {
      readonly ok: false;
      readonly failure: PublishFailure;
      readonly cost: Cost | undefined;
    };

/** What is not there may be null too. */
const envelope = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(z.object({ extensions: z.object({ code: z.string().nullish() }).nullish() }))
    .nullish(),
  // Figures in another form are no figures; the answer counts all the same.
  extensions: z.object({ cost: costSchema.optional().catch(undefined) }).nullish(),
});

/**
 * Asks Shopify. What is no answer of the expected shape is a failure, and as with a lost answer
 * nobody knows whether the work was done.
 */
export async function callGraphql<Data>(
  client: HttpClient,
  context: ShopifyContext,
  request: {
    readonly document: string;
    readonly variables: Readonly<Record<string, unknown>>;
    readonly data: z.ZodType<Data>;
  },
): Promise<GraphqlAnswer<Data>> {
  const answer = await client.request({
    method: 'POST',
    url: endpointOf(context.config),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'onhand',
      'x-shopify-access-token': context.credentials.accessToken,
    },
    body: JSON.stringify({ query: request.document, variables: request.variables }),
    signal: context.signal,
  });
  if (!answer.ok) return failed({ code: answer.code, scope: 'channel' });
  const { status: httpStatus, headers, text } = answer;
  if (httpStatus !== 200) {
    return failed(
      failureOfHttp(httpStatus, { retryAfter: headers['retry-after'], text }, context.now()),
    );
  }
  const parsed = envelope.safeParse(jsonOf(text));
  const { errors, extensions, data } = parsed.data ?? {};
  const cost = extensions?.cost;
  if (errors && errors.length > 0) {
    const codes = errors.map((error) => error.extensions?.code ?? undefined);
    return failed(failureOfErrors(codes, cost), cost);
  }
  const known = request.data.safeParse(data);
  return known.success
    ? { ok: true, data: known.data, cost }
    : failed({ code: 'invalid_response', httpStatus, scope: 'channel' }, cost);
}

function failed(
  failure: PublishFailure,
  cost?: Cost,
): { readonly ok: false; readonly failure: PublishFailure; readonly cost: Cost | undefined } {
  return { ok: false, failure, cost };
}
