import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { failureOfStatus, type PublishFailure } from '../adapter.ts';
import { jsonOf } from './json.ts';
import { tokenUrlOf, type AmazonContext } from './settings.ts';

/** Tokens are replaced so long before they end. */
const marginMs = 60_000;
/** A request for a token is nobody's alone: it has a time of its own. */
const requestMs = 10_000;

const grantSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
});
const errorSchema = z.object({ error: z.string() });

type Token = {
  readonly ok: true;
  readonly token: string;
  /** Got just now: if it is refused, another would be too. */
  readonly isFresh: boolean;
};
export type TokenResult = Token | { readonly ok: false; readonly failure: PublishFailure };

type Kept = { readonly token: string; readonly until: number };

/** Access tokens of Login with Amazon, by credentials. */
export type Tokens = {
  /** One that holds for a minute at least; those who ask at the same time get the same. */
  get(context: AmazonContext): Promise<TokenResult>;
  /** It was refused before its time: the next one is new. */
  forget(context: AmazonContext, token: string): void;
};

export function createTokens(client: HttpClient): Tokens {
  const kept = new Map<string, Kept>();
  const asked = new Map<string, Promise<TokenResult>>();
  const ask = async (key: string, context: AmazonContext): Promise<TokenResult> => {
    const from = context.now().getTime();
    const granted = await requestToken(client, context);
    if (!granted.ok) return { ok: false, failure: granted.failure };
    const { access_token: token, expires_in: seconds } = granted.grant;
    for (const [other, { until }] of kept) if (until <= from) kept.delete(other);
    kept.set(key, { token, until: from + seconds * 1_000 });
    return { ok: true, token, isFresh: true };
  };
  return {
    get: async (context) => {
      const key = keyOf(context);
      const known = kept.get(key);
      if (known !== undefined && known.until - marginMs > context.now().getTime()) {
        return { ok: true, token: known.token, isFresh: false };
      }
      let request = asked.get(key);
      if (request === undefined) {
        request = ask(key, context).finally(() => asked.delete(key));
        asked.set(key, request);
      }
      return await Promise.race([request, ended(context.signal)]);
    },
    forget: (context, token) => {
      const key = keyOf(context);
      if (kept.get(key)?.token === token) kept.delete(key);
    },
  };
}

/** Who asks, and where: rotated credentials have tokens of their own. */
function keyOf({ config, credentials }: AmazonContext): string {
  const { clientId, clientSecret, refreshToken } = credentials;
  const parts = [tokenUrlOf(config), clientId, clientSecret, refreshToken];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

async function ended(signal: AbortSignal): Promise<TokenResult> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return { ok: false, failure: { code: 'timeout', scope: 'channel', isNotDone: true } };
}

type Granted =
  | { readonly ok: true; readonly grant: z.infer<typeof grantSchema> }
  | { readonly ok: false; readonly failure: PublishFailure };

async function requestToken(client: HttpClient, context: AmazonContext): Promise<Granted> {
  const { clientId, clientSecret, refreshToken } = context.credentials;
  const answer = await client.request({
    method: 'POST',
    url: tokenUrlOf(context.config),
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      'user-agent': 'onhand',
    },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: clientId,
      client_secret: clientSecret,
    }).toString(),
    signal: AbortSignal.timeout(requestMs),
  });
  if (!answer.ok) return fail({ code: answer.code, scope: 'channel' });
  const { status: httpStatus, headers, text } = answer;
  const json = jsonOf(text);
  const grant = grantSchema.safeParse(json);
  if (httpStatus === 200 && grant.success) return { ok: true, grant: grant.data };
  if (httpStatus === 200) return fail({ code: 'invalid_response', httpStatus, scope: 'channel' });
  const isRefused =
    (httpStatus === 400 || httpStatus === 401) && errorSchema.safeParse(json).success;
  if (isRefused) {
    const pause = 'Login with Amazon does not take the credentials.';
    return fail({ code: 'unauthorized', httpStatus, scope: 'channel', pause });
  }
  const failure = failureOfStatus(httpStatus, headers['retry-after'], context.now());
  return fail({ ...failure, ...(httpStatus === 429 ? { isThrottled: true } : {}) });
}

/** Without a token nothing was done yet, whatever became of this. */
function fail(failure: PublishFailure): Granted {
  return { ok: false, failure: { ...failure, scope: 'channel', isNotDone: true } };
}
