import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { failureOfHttp } from './failures.ts';
import { endpointOf, type WooContext } from './settings.ts';

export type StoreAnswer<Data> =
  | {
      readonly ok: true;
      readonly data: Data;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly ok: false;
      readonly failure: PublishFailure;
      /** It, or its answer, was longer than somebody takes: smaller ones may pass. */
      readonly isTooLarge: boolean;
    };

const errorSchema = z.object({ code: z.string() });

/**
 * Asks the shop. What is no answer of the expected shape is a failure, and as with a lost answer
 * nobody knows whether the work was done.
 */
export async function callStore<Data>(
  client: HttpClient,
  context: WooContext,
  request: {
    /** After `/wp-json/wc/v3/`. */
    readonly path: string;
    readonly query?: Readonly<Record<string, string>>;
    /** Posted; absent: read. */
    readonly body?: unknown;
    readonly data: z.ZodType<Data>;
  },
): Promise<StoreAnswer<Data>> {
  const { consumerKey, consumerSecret } = context.credentials;
  const key = Buffer.from(`${consumerKey}:${consumerSecret}`).toString('base64');
  const query = new URLSearchParams(request.query).toString();
  const answer = await client.request({
    method: request.body === undefined ? 'GET' : 'POST',
    url: `${endpointOf(context.config, request.path)}${query === '' ? '' : `?${query}`}`,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${key}`,
      'user-agent': 'onhand',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: context.signal,
  });
  if (!answer.ok) {
    const isTooLarge = answer.code === 'invalid_response';
    return { ok: false, failure: { code: answer.code, scope: 'channel' }, isTooLarge };
  }
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  if (httpStatus < 200 || httpStatus > 299) {
    const code = errorSchema.safeParse(json).data?.code;
    const failure = failureOfHttp(httpStatus, code, headers['retry-after'], context.now());
    return { ok: false, failure, isTooLarge: httpStatus === 413 };
  }
  const known = request.data.safeParse(json);
  if (known.success) return { ok: true, data: known.data, headers };
  const failure: PublishFailure = { code: 'invalid_response', httpStatus, scope: 'channel' };
  return { ok: false, failure, isTooLarge: false };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
