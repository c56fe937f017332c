import { z } from 'zod';
import { urlProblem } from '../../outgoing-http.ts';
import type { AdapterContext } from '../adapter.ts';

const productionUrl = 'https://api.ebay.com';

/** eBay takes no more offers in one call. */
export const mostOffers = 25;

/** eBay takes no more revisions of one listing in one calendar day. */
export const mostRevisions = 250;

export type EbayConfig = {
  /** Instead of eBay's own host, such as that of its sandbox. */
  readonly baseUrl?: string | undefined;
  /**
   * What is done about nothing left. `set`: the quantity 0, which eBay takes where the account's
   * out-of-stock control is on. `withdraw`: the offer is withdrawn, which ends its listing, and
   * published again when there is something.
   */
  readonly zero: 'set' | 'withdraw';
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

/** An offer, and the listing it is in, where that is known: several offers may be in one. */
export type EbayIds = { readonly offerId: string; readonly listingId?: string | undefined };

const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,4096}$/, { error: 'up to 4,096 visible characters' });
const id = z.string().regex(/^[0-9]{1,40}$/, { error: 'a number that eBay gave' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<EbayConfig> {
  return z.strictObject({
    baseUrl: z
      .string()
      .max(2_048)
      .superRefine((url, issues) => {
        const problem = urlProblem(url, allowPrivateAddresses);
        if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem });
      })
      .optional(),
    zero: z.enum(['set', 'withdraw']).default('set'),
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
  listingId: id.optional(),
});

/** The ids of a listing; undefined where it has none that eBay could know. */
export function idsOf(externalIds: unknown): EbayIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

export function addressOf({ baseUrl }: EbayConfig): string {
  return (baseUrl ?? productionUrl).replace(/\/+$/, '');
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
