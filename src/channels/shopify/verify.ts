import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { PublishResult } from '../adapter.ts';
import { callGraphql } from './call-graphql.ts';
import { grantDocument } from './documents.ts';
import type { ShopifyContext } from './settings.ts';

/** What publishing and reading levels takes. */
const neededScopes = ['read_inventory', 'write_inventory'] as const;

const grantSchema = z.object({
  shop: z.object({ myshopifyDomain: z.string() }),
  currentAppInstallation: z.object({ accessScopes: z.array(z.object({ handle: z.string() })) }),
});

/**
 * Whether the token is this shop's and may change stock. Its own failures: `shop_mismatch`,
 * `scope_missing`.
 */
export async function verify(client: HttpClient, context: ShopifyContext): Promise<PublishResult> {
  const answer = await callGraphql(client, context, {
    document: grantDocument,
    variables: {},
    data: grantSchema,
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { shop, currentAppInstallation } = answer.data;
  const scopes = new Set(currentAppInstallation.accessScopes.map(({ handle }) => handle));
  const problem =
    shop.myshopifyDomain === context.config.shopDomain
      ? neededScopes.every((scope) => scopes.has(scope)) || 'scope_missing'
      : 'shop_mismatch';
  if (problem === true) return { ok: true, httpStatus: 200 };
  return { ok: false, failure: { code: problem, httpStatus: 200, scope: 'channel' } };
}
