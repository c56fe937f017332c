import { z } from 'zod';
import { urlSetting, withPath } from '../../url-setting.ts';
import type { AdapterContext } from '../adapter.ts';

const productionUrl = 'https://api.ebay.com';
const tokenPath = '/identity/v1/oauth2/token';

/** eBay takes no more offers in one call. */
export const mostOffers = 25;

/** eBay takes no more revisions of one listing in one calendar day. */
export const mostRevisions = 250;

export type EbayConfig = {
  /** Instead of eBay's own host, such as that of its sandbox. */
  readonly baseUrl?: string | undefined;
  /** Instead of the place for access tokens at that host. */
  readonly tokenUrl?: string | undefined;
  /**
   * What is done about nothing left. `set`: the quantity 0, which eBay takes where the account's
   * out-of-stock control is on. `withdraw`: the offer is withdrawn, which ends its listing, and
   * published again when there is something.
   */
  readonly zeroHandling: 'set' | 'withdraw';
  /** The language of the account's offers: eBay wants it with every call. */
  readonly language: string;
  /** Of one listing in one day, at most; less where somebody else revises it too. */
  readonly revisionsPerDay: number;
  /** The zone whose calendar days eBay counts. */
  readonly dayTimeZone: string;
  /** Offers in one request: where eBay takes one SKU at a time, 1. */
  readonly offersPerRequest: number;
};

export type EbayCredentials = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The seller's consent: access tokens are made of it. */
  readonly refreshToken: string;
};

export type EbayContext = AdapterContext<EbayConfig, EbayCredentials>;

/** What a listing of ours is at eBay. */
export type EbayIds = {
  readonly offerId: string;
  /** The seller's SKU there. */
  readonly sku?: string | undefined;
  /** The listing that the offer is in, where that is known: several offers may be in one. */
  readonly listingId?: string | undefined;
};

const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,4096}$/, { error: 'up to 4,096 visible characters' });
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'an id that eBay gave' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<EbayConfig> {
  const url = urlSetting(allowPrivateAddresses);
  return z.strictObject({
    baseUrl: url.optional(),
    tokenUrl: url.optional(),
    zeroHandling: z.enum(['set', 'withdraw']).default('set'),
    language: z
      .string()
      .regex(/^[a-z]{2}-[A-Z]{2}$/, { error: 'a language such as en-US' })
      .default('en-US'),
    revisionsPerDay: z.int().min(10).max(mostRevisions).default(mostRevisions),
    dayTimeZone: z
      .string()
      .max(100)
      .refine(isTimeZone, { error: 'a time zone such as America/Los_Angeles' })
      .default('America/Los_Angeles'),
    offersPerRequest: z.int().min(1).max(mostOffers).default(mostOffers),
  });
}

export const credentialsSchema: z.ZodType<EbayCredentials> = z.strictObject({
  clientId: secret,
  clientSecret: secret,
  refreshToken: secret,
});

export const externalIdsSchema: z.ZodType<EbayIds> = z.strictObject({
  offerId: id,
  // What eBay takes as one.
  sku: z.string().min(1).max(50).optional(),
  listingId: id.optional(),
});

/** The ids of a listing; undefined where it has none that eBay could know. */
export function idsOf(externalIds: unknown): EbayIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

export function addressOf({ baseUrl }: EbayConfig): string {
  return (baseUrl ?? productionUrl).replace(/\/+$/, '');
}

export function tokenUrlOf(config: EbayConfig): string {
  const { tokenUrl } = config;
  return tokenUrl === undefined
    ? `${addressOf(config)}${tokenPath}`
    : withPath(tokenUrl, tokenPath);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
