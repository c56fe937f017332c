import { z } from 'zod';
import type { HttpClient, NoAnswer, OutgoingAnswer } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { failureOfAnswer } from './failures.ts';
import { jsonOf } from './json.ts';
import { hostOf, type AmazonContext } from './settings.ts';
import type { Tokens } from './tokens.ts';

/** What every call needs. */
export type Connection = { readonly client: HttpClient; readonly tokens: Tokens };

export type AmazonAnswer<Data> =
  | {
      readonly ok: true;
      readonly data: Data;
      /** What we may call of this operation, a second; undefined where it was not said. */
      readonly perSecond: number | undefined;
    }
  | { readonly ok: false; readonly failure: PublishFailure };

export type AmazonRequest<Data> = {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  /** After the host. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly data: z.ZodType<Data>;
};

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })).min(1) });

/**
 * Asks Amazon. An access token that is refused although it was good so far gets a successor, once.
 * What is no answer of the expected shape is a failure, and as with a lost answer nobody knows
 * whether the work was done.
 */
export async function callAmazon<Data>(
  connection: Connection,
  context: AmazonContext,
  request: AmazonRequest<Data>,
): Promise<AmazonAnswer<Data>> {
  for (;;) {
    const token = await connection.tokens.get(context);
    if (!token.ok) return { ok: false, failure: token.failure };
    const answer = await ask(connection.client, context, request, token.token);
    if (answer.ok && (answer.status === 401 || answer.status === 403)) {
      connection.tokens.forget(context, token.token);
      if (!token.isFresh) continue;
    }
    return answerOf(answer, context, request);
  }
}

async function ask(
  client: HttpClient,
  context: AmazonContext,
  { method = 'GET', path, query, body }: AmazonRequest<unknown>,
  token: string,
): Promise<OutgoingAnswer | NoAnswer> {
  const search = new URLSearchParams(query).toString();
  return await client.request({
    method,
    url: `${hostOf(context.config)}${path}${search === '' ? '' : `?${search}`}`,
    headers: {
      accept: 'application/json',
      'user-agent': 'onhand',
      'x-amz-access-token': token,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: context.signal,
  });
}

function answerOf<Data>(
  answer: OutgoingAnswer | NoAnswer,
  context: AmazonContext,
  request: AmazonRequest<Data>,
): AmazonAnswer<Data> {
  if (!answer.ok) return { ok: false, failure: { code: answer.code, scope: 'channel' } };
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  const perSecond = rateOf(headers['x-amzn-ratelimit-limit']);
  if (httpStatus < 200 || httpStatus > 299) {
    const errorCode = errorsSchema.safeParse(json).data?.errors[0]?.code;
    const retryAfter = headers['retry-after'];
    const refused = { httpStatus, errorCode, retryAfter, perSecond };
    return { ok: false, failure: failureOfAnswer(refused, context.now()) };
  }
  const known = request.data.safeParse(json);
  if (known.success) return { ok: true, data: known.data, perSecond };
  return { ok: false, failure: { code: 'invalid_response', httpStatus, scope: 'channel' } };
}

/** Calls a second that the header allows; a rate of less than one a day is none. */
function rateOf(header: string | undefined): number | undefined {
  const rate = Number(header ?? '');
  return Number.isFinite(rate) && rate > 1e-5 ? rate : undefined;
}
