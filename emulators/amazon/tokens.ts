import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import type { AccountState } from './state.ts';

/** Login with Amazon: tokens for those who have the refresh token, for an hour. */
export function grantToken(
  { headers, body }: EmulatedRequest,
  state: AccountState,
  now: number,
  tokenSeconds: number,
): EmulatedAnswer {
  const type = headers['content-type'] ?? '';
  const form = new URLSearchParams(body);
  if (!type.startsWith('application/x-www-form-urlencoded')) return refused(400, 'invalid_request');
  if (form.get('grant_type') !== 'refresh_token') return refused(400, 'unsupported_grant_type');
  const isClient =
    form.get('client_id') === state.clientId && form.get('client_secret') === state.clientSecret;
  if (!isClient) return refused(401, 'invalid_client');
  if (form.get('refresh_token') !== state.refreshToken) return refused(400, 'invalid_grant');
  state.tokensGiven += 1;
  const token = `Atza|${state.tokensGiven}`;
  state.tokens[token] = now + tokenSeconds * 1_000;
  return {
    status: 200,
    body: {
      access_token: token,
      refresh_token: state.refreshToken,
      token_type: 'bearer',
      expires_in: tokenSeconds,
    },
  };
}

function refused(status: number, error: string): EmulatedAnswer {
  return { status, body: { error, error_description: 'emulated' } };
}

export function isGoodToken(state: AccountState, token: string | undefined, now: number): boolean {
  return token !== undefined && (state.tokens[token] ?? 0) > now;
}
