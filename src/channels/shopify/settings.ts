import { z } from 'zod';
import { urlSetting } from '../../url-setting.ts';
import type { AdapterContext } from '../adapter.ts';

/** The version whose schema the documents are tested against, and the oldest that is taken. */
export const testedApiVersion = '2026-07';

export type ShopifyConfig = {
  /** `….myshopify.com`: the one name of a shop that never changes. */
  readonly shopDomain: string;
  readonly apiVersion: string;
  /** Instead of the shop's own host. */
  readonly baseUrl?: string | undefined;
};

export type ShopifyCredentials = {
  readonly accessToken: string;
  /** The app's client secret; while it is being changed the new one and the old. */
  readonly webhookSecret?: string | readonly string[] | undefined;
};

export type ShopifyContext = AdapterContext<ShopifyConfig, ShopifyCredentials>;

export type ShopifyIds = { readonly inventoryItemId: string; readonly locationId: string };

const secret = z.string().regex(/^[\x21-\x7e]{1,256}$/, { error: '1 to 256 visible characters' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<ShopifyConfig> {
  const config = z.strictObject({
    shopDomain: z
      .string()
      .max(253)
      .regex(/^[a-z0-9][a-z0-9.-]*$/, { error: wrongDomain }),
    apiVersion: z
      .string()
      .regex(/^20\d{2}-(?:01|04|07|10)$/, { error: `a version such as ${testedApiVersion}` })
      .refine((version) => version >= testedApiVersion, {
        error: `${testedApiVersion} or newer: before that, quantities were set otherwise`,
      })
      .default(testedApiVersion),
    baseUrl: urlSetting(allowPrivateAddresses).optional(),
  });
  // Another server than Shopify's may call its shop as it likes.
  return config.refine(({ shopDomain, baseUrl }) => baseUrl !== undefined || isShops(shopDomain), {
    path: ['shopDomain'],
    error: wrongDomain,
  });
}

const wrongDomain = 'the shop’s own domain, such as example.myshopify.com';

function isShops(shopDomain: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,99}\.myshopify\.com$/.test(shopDomain);
}

export const credentialsSchema: z.ZodType<ShopifyCredentials> = z.strictObject({
  accessToken: secret,
  webhookSecret: z.union([secret, z.array(secret).min(1).max(4)]).optional(),
});

export const externalIdsSchema: z.ZodType<ShopifyIds> = z.strictObject({
  inventoryItemId: z.string().regex(/^gid:\/\/shopify\/InventoryItem\/\d{1,20}$/, {
    error: 'gid://shopify/InventoryItem/ and its number',
  }),
  locationId: z.string().regex(/^gid:\/\/shopify\/Location\/\d{1,20}$/, {
    error: 'gid://shopify/Location/ and its number',
  }),
});

/** The ids of a listing; undefined where it has none that Shopify could know. */
export function idsOf(externalIds: unknown): ShopifyIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

/** One text for what a shop has at one of its locations. */
export function keyOfIds({ inventoryItemId, locationId }: ShopifyIds): string {
  return `${inventoryItemId} ${locationId}`;
}

export function addressOf({ shopDomain, baseUrl }: ShopifyConfig): string {
  return `${(baseUrl ?? 'https:').replace(/\/+$/, '')}//${shopDomain}`;
}

export function endpointOf({ shopDomain, apiVersion, baseUrl }: ShopifyConfig): string {
  const base = (baseUrl ?? `https://${shopDomain}`).replace(/\/+$/, '');
  return `${base}/admin/api/${apiVersion}/graphql.json`;
}
