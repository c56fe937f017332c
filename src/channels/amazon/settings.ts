import { z } from 'zod';
import { urlSetting, withPath } from '../../url-setting.ts';
import type { AdapterContext } from '../adapter.ts';
import { regionOf, type AmazonRegion } from './regions.ts';

const hosts: Readonly<Record<AmazonRegion, string>> = {
  na: 'https://sellingpartnerapi-na.amazon.com',
  eu: 'https://sellingpartnerapi-eu.amazon.com',
  fe: 'https://sellingpartnerapi-fe.amazon.com',
};
const amazonTokenUrl = 'https://api.amazon.com';
const tokenPath = '/auth/o2/token';

/** So many changes in one call, or more, go out as a feed. */
const usualFeedThreshold = 21;
/** Patches go out five a second: more of them than this would take too long. */
const mostPatches = 50;

export type AmazonConfig = {
  readonly sellerId: string;
  /** Where the listings are: marketplaces of one region. What is there is told of the first. */
  readonly marketplaceIds: readonly string[];
  /** Where the seller is at home; absent: where the first marketplace is. */
  readonly region?: AmazonRegion | undefined;
  /** Instead of Amazon's own host, such as that of its sandbox. */
  readonly baseUrl?: string | undefined;
  /** Instead of Login with Amazon. */
  readonly tokenUrl?: string | undefined;
  /** So many changes in one call, or more, go out as a feed. Default 21, and 51 at the most. */
  readonly feedThreshold?: number | undefined;
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
const id = z
  .string()
  // It becomes part of a path.
  .regex(/^(?!\.{1,2}$)[\w.-]{1,64}$/, { error: 'an id that Amazon gave' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<AmazonConfig> {
  const url = urlSetting(allowPrivateAddresses);
  return z
    .strictObject({
      sellerId: id,
      marketplaceIds: z.array(id).min(1).max(20),
      region: z.enum(['na', 'eu', 'fe']).optional(),
      baseUrl: url.optional(),
      tokenUrl: url.optional(),
      feedThreshold: z.int().min(1).max(25_000).optional(),
    })
    .refine((config) => config.baseUrl !== undefined || homeOf(config) !== undefined, {
      path: ['region'],
      error: 'na, eu or fe: it does not follow from the marketplace',
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

export function hostOf(config: AmazonConfig): string {
  return (config.baseUrl ?? hosts[homeOf(config) ?? 'na']).replace(/\/+$/, '');
}

function homeOf({ region, marketplaceIds }: AmazonConfig): AmazonRegion | undefined {
  return region ?? regionOf(marketplaceIds[0] ?? '');
}

export function tokenUrlOf({ tokenUrl }: AmazonConfig): string {
  return withPath(tokenUrl ?? amazonTokenUrl, tokenPath);
}

/** The seller's account in its marketplaces. */
export function addressOf(config: AmazonConfig): string {
  return `${hostOf(config)}/${config.sellerId}/${config.marketplaceIds.join(',')}`;
}

export function feedThresholdOf({ feedThreshold }: AmazonConfig): number {
  return Math.min(feedThreshold ?? usualFeedThreshold, mostPatches + 1);
}

/** Path of a listing, or of all of them. */
export function listingsPath({ sellerId }: AmazonConfig, sku?: string): string {
  const all = `/listings/2021-08-01/items/${encodeURIComponent(sellerId)}`;
  return sku === undefined ? all : `${all}/${encodeURIComponent(sku)}`;
}
