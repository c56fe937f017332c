import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { failureOfErrors, type SquareError } from './failures.ts';
import { addressOf, apiVersion, type SquareContext } from './settings.ts';

export type SquareAnswer<Data> =
  | { readonly ok: true; readonly data: Data }
  | {
      readonly ok: false;
      readonly failure: PublishFailure;
      /** What Square says is wrong with the request; none where it did not say. */
      readonly errors: readonly SquareError[];
    };

const envelope = z.object({
  errors: z
    .array(z.object({ category: z.string(), code: z.string(), field: z.string().optional() }))
    .nullish(),
});

/**
 * Asks Square. What is no answer of the expected shape is a failure, and as with a lost answer
 * nobody knows whether the work was done. Errors in an answer of 200 are errors.
 */
export async function callSquare<Data>(
  client: HttpClient,
  context: SquareContext,
  request: {
    /** After the host: `/v2/…`. */
    readonly path: string;
    /** Posted; absent: read. */
    readonly body?: unknown;
    readonly data: z.ZodType<Data>;
  },
): Promise<SquareAnswer<Data>> {
  const { body } = request;
  const answer = await client.request({
    method: body === undefined ? 'GET' : 'POST',
    url: addressOf(context.config) + request.path,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${context.credentials.accessToken}`,
      'square-version': apiVersion,
      'user-agent': 'onhand',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: context.signal,
  });
  if (!answer.ok) {
    return { ok: false, failure: { code: answer.code, scope: 'channel' }, errors: [] };
  }
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  const errors = envelope.safeParse(json).data?.errors ?? [];
  if (httpStatus < 200 || httpStatus > 299 || errors.length > 0) {
    const retryAfter = headers['retry-after'];
    // An error that comes with 200 is about the request.
    const status = httpStatus < 300 && errors.length > 0 ? 400 : httpStatus;
    const failure = failureOfErrors(status, errors, retryAfter, context.now());
    return { ok: false, failure: { ...failure, httpStatus }, errors };
  }
  const known = request.data.safeParse(json);
  if (known.success) return { ok: true, data: known.data };
  const failure: PublishFailure = { code: 'invalid_response', httpStatus, scope: 'channel' };
  return { ok: false, failure, errors: [] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
