import { z } from 'zod';
import type { PublishResult } from '../adapter.ts';
import { callEbay, type Ebay } from './call-ebay.ts';
import type { EbayContext } from './settings.ts';

/** Whether eBay gives tokens for the credentials, and lets them see the inventory. */
export async function verify(ebay: Ebay, context: EbayContext): Promise<PublishResult> {
  const answer = await callEbay(ebay, context, {
    method: 'GET',
    path: 'inventory_item?limit=1&offset=0',
    data: z.unknown(),
  });
  return answer.ok
    ? { ok: true, httpStatus: answer.httpStatus }
    : { ok: false, failure: answer.failure };
}
