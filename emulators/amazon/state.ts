/** What a listing says about stock, as sellers write it. */
export type Availability = {
  readonly fulfillment_channel_code: string;
  readonly quantity?: number;
  /** What else can be said, such as `lead_time_to_ship_max_days`. */
  readonly [attribute: string]: unknown;
};

export type EmulatedListing = {
  readonly sku: string;
  readonly productType: string;
  readonly title: string;
  readonly createdDate: string;
  availability: readonly Availability[];
  /** Submissions about it are invalid, with this issue. */
  issue?: string;
};

/** A quantity that a listing came to show. */
export type Write = {
  readonly by: 'patch' | 'feed' | 'sale';
  readonly quantity: number;
  readonly at: number;
};

/** A value for `fulfillment_availability`, to be applied at its time. */
export type Submission = {
  readonly by: Write['by'];
  readonly sku: string;
  readonly op: string;
  readonly value: readonly Availability[];
  readonly dueAt: number;
};

export type EmulatedDocument = {
  readonly contentType: string;
  /** The URL's end. */
  readonly until: number;
  /** As it was uploaded, or written; null: nothing was uploaded. */
  content: string | null;
  readonly isReport: boolean;
};

export type EmulatedFeed = {
  readonly feedId: string;
  readonly inputDocumentId: string;
  readonly marketplaceIds: readonly string[];
  readonly createdAt: number;
  readonly startAt: number;
  readonly endAt: number;
  /** How it ends. */
  readonly end: 'DONE' | 'FATAL' | 'CANCELLED';
  /** Its messages were applied and its report was written. */
  resultDocumentId: string | null;
};

/** A seller's account, whole: plain JSON, so that it outlives its server. */
export type AccountState = {
  readonly sellerId: string;
  readonly marketplaceId: string;
  readonly clientId: string;
  clientSecret: string;
  refreshToken: string;
  /** Access tokens, and when they end. */
  tokens: Record<string, number>;
  tokensGiven: number;
  /** The application has the role for listings. */
  isAllowed: boolean;
  readonly listings: Record<string, EmulatedListing>;
  readonly writes: Record<string, Write[]>;
  submissions: Submission[];
  readonly documents: Record<string, EmulatedDocument>;
  readonly feeds: Record<string, EmulatedFeed>;
  /** How the next feeds end; none left: well. */
  readonly nextEnds: EmulatedFeed['end'][];
  /** From the next accepted patches to what is shown, in ms; none left: as long as usual. */
  readonly nextPatchMs: number[];
  /** What is left of each operation's quota, and when that was. */
  readonly buckets: Record<string, { tokens: number; at: number }>;
  /** Requests, and answers, that Amazon's own models do not allow. */
  readonly invalid: string[];
  readonly invalidAnswers: string[];
  /** Access tokens that were shown to a document's URL. */
  leaks: number;
};

export type AccountSeed = {
  /** Listings that the seller ships, with their quantities. */
  readonly skus?: Readonly<Record<string, number>>;
  /** Listings that Amazon ships. */
  readonly shippedByAmazon?: readonly string[];
};

export function newAccount({ skus = {}, shippedByAmazon = [] }: AccountSeed): AccountState {
  const all = [
    ...Object.entries(skus).map(([sku, quantity]) => ({ sku, quantity, channel: 'DEFAULT' })),
    ...shippedByAmazon.map((sku) => ({ sku, quantity: 9, channel: 'AMAZON_NA' })),
  ];
  const first = Date.parse('2026-01-01T00:00:00Z');
  const listings = all.map(({ sku, quantity, channel }, index): EmulatedListing => {
    const more = { lead_time_to_ship_max_days: 2 };
    return {
      sku,
      productType: 'LUGGAGE',
      title: `Item ${sku}`,
      createdDate: new Date(first + index * 60_000).toISOString(),
      availability: [{ fulfillment_channel_code: channel, quantity, ...more }],
    };
  });
  return {
    sellerId: 'A1SELLER',
    marketplaceId: 'ATVPDKIKX0DER',
    clientId: 'amzn1.application-oa2-client.emulated',
    clientSecret: 'amazon-secret-emulated',
    refreshToken: 'Atzr|emulated',
    tokens: {},
    tokensGiven: 0,
    isAllowed: true,
    listings: Object.fromEntries(listings.map((listing) => [listing.sku, listing])),
    writes: {},
    submissions: [],
    documents: {},
    feeds: {},
    nextEnds: [],
    nextPatchMs: [],
    buckets: {},
    invalid: [],
    invalidAnswers: [],
    leaks: 0,
  };
}

/** What the seller ships of it, as it is shown. */
export function quantityOf({ availability }: EmulatedListing): number | undefined {
  return availability.find((one) => one.fulfillment_channel_code === 'DEFAULT')?.quantity;
}

/** Makes a listing show a quantity, and remembers it. */
export function show(state: AccountState, sku: string, write: Write): void {
  (state.writes[sku] ??= []).push(write);
  const listing = state.listings[sku];
  if (listing === undefined) return;
  listing.availability = listing.availability.map((one) =>
    one.fulfillment_channel_code === 'DEFAULT' ? { ...one, quantity: write.quantity } : one,
  );
}
