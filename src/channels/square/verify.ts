import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishResult } from '../adapter.ts';
import { callSquare } from './call-square.ts';
import type { SquareContext } from './settings.ts';

/** What publishing and reading counts takes. */
const neededScopes = ['INVENTORY_READ', 'INVENTORY_WRITE'] as const;

/** Whether Square takes the token, for changing stock too. Its own failure: `scope_missing`. */
export async function verify(client: HttpClient, context: SquareContext): Promise<PublishResult> {
  const answer = await callSquare(client, context, {
    path: '/oauth2/token/status',
    body: {},
    data: z.object({ scopes: z.array(z.string()).nullish() }),
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { scopes } = answer.data;
  const isAllowed = !scopes || neededScopes.every((scope) => scopes.includes(scope));
  if (isAllowed) return { ok: true, httpStatus: 200 };
  return { ok: false, failure: { code: 'scope_missing', httpStatus: 200, scope: 'channel' } };
}
