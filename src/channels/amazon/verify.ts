import { z } from 'zod';
import type { PublishResult } from '../adapter.ts';
import { callAmazon, type Connection } from './call-amazon.ts';
import { listingsPath, type AmazonContext } from './settings.ts';

/** Whether Amazon takes the credentials, and lets them see the seller's listings. */
export async function verify(
  connection: Connection,
  context: AmazonContext,
): Promise<PublishResult> {
  const answer = await callAmazon(connection, context, {
    operation: 'searchListingsItems',
    path: listingsPath(context.config),
    query: { marketplaceIds: context.config.marketplaceIds.join(','), pageSize: '1' },
    data: z.object({ items: z.array(z.unknown()) }),
  });
  return answer.ok ? { ok: true, httpStatus: 200 } : { ok: false, failure: answer.failure };
}
