import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import { failureOfToken } from './failures.ts';
import { tokenUrlOf, type EbayContext } from './settings.ts';

/** What the inventory takes, to be read and changed. */
const scope = 'https://api.ebay.com/oauth/api_scope/sell.inventory';

/** A token is replaced so long before its end: a call under way shall not outlive it. */
const earlyMs = 300_000;

export type TokenAnswer =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly failure: PublishFailure };

/** Access tokens by the credentials that they are of. */
export type AccessTokens = {
  /** A token that is good for some minutes: the one from before, or a new one. */
  take(context: EbayContext): Promise<TokenAnswer>;
  /** eBay does not take this one, whatever its end was said to be. */
  drop(context: EbayContext, token: string): void;
};

type Known = { readonly token: string; readonly until: number };

const granted = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().gt(0),
});
const refusal = z.object({ error: z.string().max(100) });

/** Makes tokens by refresh tokens, each asked for once however many calls wait for it. */
export function createAccessTokens(client: HttpClient): AccessTokens {
  const known = new Map<string, Known>();
  const asked = new Map<string, Promise<TokenAnswer>>();
  return {
    async take(context) {
      const key = keyOf(context);
      const now = context.now().getTime();
      const found = known.get(key);
      if (found !== undefined && now < found.until) return { ok: true, token: found.token };
      let asking = asked.get(key);
      if (asking === undefined) {
        asking = refresh(client, context, (token) => known.set(key, token));
        asked.set(key, asking);
        void asking.finally(() => asked.delete(key));
      }
      return await asking;
    },
    drop(context, token) {
      const key = keyOf(context);
      if (known.get(key)?.token === token) known.delete(key);
    },
  };
}

/** Credentials that were changed have other tokens; the secrets themselves are not kept here. */
function keyOf({ config, credentials }: EbayContext): string {
  const { clientId, clientSecret, refreshToken } = credentials;
  const parts = [tokenUrlOf(config), clientId, clientSecret, refreshToken];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function refresh(
  client: HttpClient,
  { config, credentials, signal, now }: EbayContext,
  keep: (known: Known) => void,
): Promise<TokenAnswer> {
  const { clientId, clientSecret, refreshToken } = credentials;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const askedAt = now().getTime();
  const answer = await client.request({
    method: 'POST',
    url: tokenUrlOf(config),
    headers: {
      accept: 'application/json',
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'onhand',
    },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope,
    }).toString(),
    signal,
  });
  if (!answer.ok) {
    return { ok: false, failure: { code: answer.code, scope: 'channel', isNotDone: true } };
  }
  const { status, headers, text } = answer;
  const json = jsonOf(text);
  if (status !== 200) {
    const error = refusal.safeParse(json).data?.error;
    return { ok: false, failure: failureOfToken(status, error, headers['retry-after'], now()) };
  }
  const parsed = granted.safeParse(json).data;
  if (parsed === undefined) {
    const failure = { code: 'invalid_response', httpStatus: status, isNotDone: true } as const;
    return { ok: false, failure: { ...failure, scope: 'channel' } };
  }
  const { access_token: token, expires_in: seconds } = parsed;
  // One that is as good as over is used once.
  keep({ token, until: askedAt + seconds * 1_000 - earlyMs });
  return { ok: true, token };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
