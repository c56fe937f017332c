import { z } from 'zod';
import type { HttpClient, NoAnswer, OutgoingAnswer } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { failureOfAnswer } from './failures.ts';
import { jsonOf } from './json.ts';
import type { AmazonOperation, Quotas } from './quotas.ts';
import { hostOf, type AmazonContext } from './settings.ts';
import type { Tokens } from './tokens.ts';

/** What every call needs. */
export type Connection = {
  readonly client: HttpClient;
  readonly tokens: Tokens;
  readonly quotas: Quotas;
};

export type AmazonAnswer<Data> =
  | { readonly ok: true; readonly data: Data }
  | { readonly ok: false; readonly failure: PublishFailure };

export type AmazonRequest<Data> = {
  readonly operation: AmazonOperation;
  readonly method?: 'GET' | 'POST' | 'PATCH';
  /** After the host. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly data: z.ZodType<Data>;
};

/** The call's time was over before the request's turn came. */
const tooLate: PublishFailure = { code: 'timeout', scope: 'channel', isNotDone: true };
/** Nothing had gone out yet. */
const notSentCodes: ReadonlySet<string> = new Set(['address_refused', 'connection_refused', 'dns']);

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })).min(1) });

/**
 * Asks Amazon, when the operation's quota allows it. An access token that is refused although it
 * was good so far gets a successor, once.
 * What is no answer of the expected shape is a failure, and as with a lost answer nobody knows
 * whether the work was done.
 */
export async function callAmazon<Data>(
  connection: Connection,
  context: AmazonContext,
  request: AmazonRequest<Data>,
): Promise<AmazonAnswer<Data>> {
  const quota = connection.quotas.of(context, request.operation);
  for (;;) {
    const token = await connection.tokens.get(context);
    if (!token.ok) return { ok: false, failure: token.failure };
    if (!(await quota.turn(context.signal))) return { ok: false, failure: tooLate };
    const answer = await ask(connection.client, context, request, token.token);
    if (answer.ok) {
      const perSecond = perSecondOf(answer);
      quota.learn({ perSecond, isTooMuch: answer.status === 429 });
    }
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
  if (!answer.ok) {
    const { code } = answer;
    const isNotDone = notSentCodes.has(code) ? { isNotDone: true } : {};
    return { ok: false, failure: { code, scope: 'channel', ...isNotDone } };
  }
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  if (httpStatus < 200 || httpStatus > 299) {
    const errorCode = errorsSchema.safeParse(json).data?.errors[0]?.code;
    const retryAfter = headers['retry-after'];
    const refused = { httpStatus, errorCode, retryAfter, perSecond: perSecondOf(answer) };
    return { ok: false, failure: failureOfAnswer(refused, context.now()) };
  }
  const known = request.data.safeParse(json);
  if (known.success) return { ok: true, data: known.data };
  return { ok: false, failure: { code: 'invalid_response', httpStatus, scope: 'channel' } };
}

/** Calls a second that the header allows; a rate of less than one a day is none. */
function perSecondOf({ headers }: OutgoingAnswer): number | undefined {
  const rate = Number(headers['x-amzn-ratelimit-limit'] ?? '');
  return Number.isFinite(rate) && rate > 1e-5 ? rate : undefined;
}
