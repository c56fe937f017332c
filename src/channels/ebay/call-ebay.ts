import { z } from 'zod';
import type { HttpClient, NoAnswer, OutgoingAnswer } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import type { AccessTokens } from './access-tokens.ts';
import { failureOfApi, type EbayError } from './failures.ts';
import { addressOf, type EbayContext } from './settings.ts';

/** What calls are made with: connections, and the tokens that go along. */
export type Ebay = { readonly client: HttpClient; readonly tokens: AccessTokens };

export type EbayAnswer<Data> =
  | { readonly ok: true; readonly httpStatus: number; readonly data: Data }
  | {
      readonly ok: false;
      readonly failure: PublishFailure;
      /** What eBay says is wrong with the request; none where it did not say. */
      readonly errors: readonly EbayError[];
    };

export type EbayRequest<Data> = {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** After `/sell/inventory/v1/`. */
  readonly path: string;
  readonly body?: unknown;
  readonly data: z.ZodType<Data>;
};

export const errorSchema = z.object({ errorId: z.int() });
const envelope = z.object({ errors: z.array(errorSchema) });

/**
 * Asks eBay. What is no answer of the expected shape is a failure, and as with a lost answer nobody
 * knows whether the work was done. A token that eBay does not take any more is replaced once.
 */
export async function callEbay<Data>(
  ebay: Ebay,
  context: EbayContext,
  request: EbayRequest<Data>,
): Promise<EbayAnswer<Data>> {
  let answer: OutgoingAnswer | NoAnswer | undefined;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const taken = await ebay.tokens.take(context);
    if (!taken.ok) return { ok: false, failure: taken.failure, errors: [] };
    answer = await send(ebay.client, context, request, taken.token);
    if (!answer.ok || answer.status !== 401) break;
    ebay.tokens.drop(context, taken.token);
  }
  if (answer?.ok !== true) {
    return {
      ok: false,
      failure: { code: answer?.code ?? 'network', scope: 'channel' },
      errors: [],
    };
  }
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  if (httpStatus < 200 || httpStatus > 299) {
    const errors = envelope.safeParse(json).data?.errors ?? [];
    const failure = failureOfApi(httpStatus, errors, headers['retry-after'], context.now());
    return { ok: false, failure, errors };
  }
  const known = request.data.safeParse(json);
  if (known.success) return { ok: true, httpStatus, data: known.data };
  const failure: PublishFailure = { code: 'invalid_response', httpStatus, scope: 'channel' };
  return { ok: false, failure, errors: [] };
}

function send(
  client: HttpClient,
  { config, signal }: EbayContext,
  { method, path, body }: EbayRequest<unknown>,
  token: string,
): Promise<OutgoingAnswer | NoAnswer> {
  return client.request({
    method,
    url: `${addressOf(config)}/sell/inventory/v1/${path}`,
    headers: {
      accept: 'application/json',
      // eBay wants both, also where nothing is said in any language.
      'accept-language': config.language,
      'content-language': config.language,
      authorization: `Bearer ${token}`,
      'user-agent': 'onhand',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  });
}

/** Some answers have no body. */
function jsonOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
