import { z } from 'zod';
import { urlProblem } from '../../outgoing-http.ts';
import type { AdapterContext } from '../adapter.ts';

const hosts = {
  na: 'https://sellingpartnerapi-na.amazon.com',
  eu: 'https://sellingpartnerapi-eu.amazon.com',
  fe: 'https://sellingpartnerapi-fe.amazon.com',
} as const;
const amazonTokenUrl = 'https://api.amazon.com/auth/o2/token';

/** More changes than this in one call go out as a feed. */
const fewChanges = 20;

export type AmazonConfig = {
  /** Where the seller is at home. */
  readonly region: keyof typeof hosts;
  readonly sellerId: string;
  /** One marketplace is one channel. */
  readonly marketplaceId: string;
  /** Instead of Amazon's own host, such as that of its sandbox. */
  readonly baseUrl?: string | undefined;
  /** Instead of Login with Amazon. */
  readonly tokenUrl?: string | undefined;
  /** So many changes in one call, or more, go out as a feed. Default 21. */
  readonly feedFrom?: number | undefined;
};

export type AmazonCredentials = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
};

export type AmazonContext = AdapterContext<AmazonConfig, AmazonCredentials>;

/** A listing of the seller's. */
export type AmazonIds = {
  /** The seller's SKU at Amazon. */
  readonly sku: string;
  /** Amazon's product type; absent: the one that fits all where only the offer is changed. */
  readonly productType?: string | undefined;
};

const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,2048}$/, { error: 'up to 2,048 visible characters' });
const id = z.string().regex(/^[A-Za-z0-9]{1,64}$/, { error: 'an id that Amazon gave' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<AmazonConfig> {
  const url = z
    .string()
    .max(2_048)
    .superRefine((text, issues) => {
      const problem = urlProblem(text, allowPrivateAddresses);
      if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem });
    });
  return z.strictObject({
    region: z.enum(['na', 'eu', 'fe']),
    sellerId: id,
    marketplaceId: id,
    baseUrl: url.optional(),
    tokenUrl: url.optional(),
    feedFrom: z.int().min(2).max(51).optional(),
  });
}

export const credentialsSchema: z.ZodType<AmazonCredentials> = z.strictObject({
  clientId: secret,
  clientSecret: secret,
  refreshToken: secret,
});

export const externalIdsSchema: z.ZodType<AmazonIds> = z.strictObject({
  sku: z
    .string()
    .min(1)
    .max(100)
    // It becomes part of a path.
    .refine((sku) => sku !== '.' && sku !== '..' && sku.isWellFormed(), { error: 'a SKU' }),
  productType: z
    .string()
    .regex(/^[A-Z0-9_]{1,100}$/, { error: 'a product type such as LUGGAGE' })
    .optional(),
});

/** The ids of a listing; undefined where it has none that Amazon could know. */
export function idsOf(externalIds: unknown): AmazonIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

export function hostOf({ region, baseUrl }: AmazonConfig): string {
  return (baseUrl ?? hosts[region]).replace(/\/+$/, '');
}

export function tokenUrlOf({ tokenUrl }: AmazonConfig): string {
  return tokenUrl ?? amazonTokenUrl;
}

/** The seller's account in one marketplace. */
export function addressOf(config: AmazonConfig): string {
  return `${hostOf(config)}/${config.sellerId}/${config.marketplaceId}`;
}

export function feedFromOf({ feedFrom }: AmazonConfig): number {
  return feedFrom ?? fewChanges + 1;
}

/** Path of a listing, or of all of them. */
export function listingsPath({ sellerId }: AmazonConfig, sku?: string): string {
  const all = `/listings/2021-08-01/items/${encodeURIComponent(sellerId)}`;
  return sku === undefined ? all : `${all}/${encodeURIComponent(sku)}`;
}
