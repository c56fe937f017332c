import { randomUUID } from 'node:crypto';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import type { AccountState } from './state.ts';

const scope = 'https://api.ebay.com/oauth/api_scope/sell.inventory';

/** A user token for a refresh token. */
export function grantToken(
  { headers, body }: EmulatedRequest,
  state: AccountState,
  now: number,
): EmulatedAnswer {
  const client = Buffer.from(`${state.clientId}:${state.clientSecret}`).toString('base64');
  if (headers['authorization'] !== `Basic ${client}`) {
    return { status: 401, body: { error: 'invalid_client', error_description: 'emulated' } };
  }
  const asked = new URLSearchParams(body);
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  if (isForm !== true || asked.get('grant_type') !== 'refresh_token') {
    return {
      status: 400,
      body: { error: 'unsupported_grant_type', error_description: 'emulated' },
    };
  }
  if (asked.get('refresh_token') !== state.refreshToken) {
    return { status: 400, body: { error: 'invalid_grant', error_description: 'emulated' } };
  }
  if (asked.get('scope') !== scope) {
    return { status: 400, body: { error: 'invalid_scope', error_description: 'emulated' } };
  }
  const token = `v^1.1#${randomUUID()}`;
  state.tokens[token] = now + state.tokenSeconds * 1_000;
  return {
    status: 200,
    body: {
      access_token: token,
      expires_in: state.tokenSeconds,
      token_type: 'User Access Token',
    },
  };
}
