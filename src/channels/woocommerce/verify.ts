import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishResult } from '../adapter.ts';
import { callStore } from './call-store.ts';
import type { WooContext } from './settings.ts';

/** Whether the shop takes the key, for writing too: a batch of nothing changes nothing. */
export async function verify(client: HttpClient, context: WooContext): Promise<PublishResult> {
  const answer = await callStore(client, context, {
    path: 'products/batch',
    body: { update: [] },
    data: z.unknown(),
  });
  return answer.ok ? { ok: true, httpStatus: 200 } : { ok: false, failure: answer.failure };
}
