import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { urlSetting } from '../../url-setting.ts';
import type { SourceKind } from '../source.ts';
import { openOrders } from './read-orders.ts';

const configSchema = (client: HttpClient) =>
  z.strictObject({
    shopDomain: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com$/, {
      error: 'a domain such as shop.myshopify.com',
    }),
    apiVersion: z
      .string()
      .regex(/^\d{4}-\d{2}$/, { error: 'a version such as 2026-07' })
      .default('2026-07'),
    baseUrl: urlSetting(client.allowPrivateAddresses).optional(),
    /** Our store id for each location (gid) that ships. */
    locations: z.record(z.string().min(1), z.string().min(1).max(128)),
  });

export type ShopifyConfig = z.infer<ReturnType<typeof configSchema>>;
export type ShopifyCredentials = { readonly accessToken: string };

/** What is sold on Shopify and not shipped yet, as open orders: everything, with each run. */
export function createShopifyKind(
  client: HttpClient,
): SourceKind<ShopifyConfig, ShopifyCredentials> {
  return {
    kind: 'shopify',
    modes: ['full'],
    zeroIsUsual: true,
    configSchema: configSchema(client),
    credentialsSchema: z.strictObject({
      accessToken: z.string().regex(/^[!-~]{1,4096}$/, { error: 'an access token' }),
    }),
    credentialsGoTo: ({ shopDomain, baseUrl }) => [baseUrl ?? `https://${shopDomain}`],
    open: ({ config, credentials }) => openOrders(client, config, credentials),
  };
}
