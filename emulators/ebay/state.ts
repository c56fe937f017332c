/** Something that was told about what an offer shows, in the order it came in. */
export type OfferFact = {
  readonly quantity: number;
  readonly by: 'api' | 'sale' | 'seller';
  /** In ms. */
  readonly at: number;
};

export type EmulatedOffer = {
  readonly offerId: string;
  readonly sku: string;
  readonly marketplaceId: string;
  status: 'PUBLISHED' | 'UNPUBLISHED';
  /** Variations of one product share it; null: it has none. */
  listingId: string | null;
  listingStatus: 'ACTIVE' | 'OUT_OF_STOCK' | 'ENDED';
  availableQuantity: number;
  /** What else the seller said of it: an update that leaves it out loses it. */
  details: Record<string, unknown>;
};

/** A seller's account, whole: plain JSON, so that it outlives its server. */
export type AccountState = {
  readonly clientId: string;
  clientSecret: string;
  refreshToken: string;
  /** Access tokens by when they end, in ms. */
  readonly tokens: Record<string, number>;
  /** How long a token is good, in seconds. */
  tokenSeconds: number;
  /** Listings of which nothing is left stay, hidden; else 0 is refused. */
  outOfStockControl: boolean;
  /** eBay's documents say that a call takes 25 SKUs, and that it takes one. */
  oneSkuPerCall: boolean;
  revisionsPerDay: number;
  /** The zone whose days are counted. */
  dayTimeZone: string;
  readonly titles: Record<string, string>;
  readonly offers: Record<string, EmulatedOffer>;
  /** What offers showed, by offer id. */
  readonly facts: Record<string, OfferFact[]>;
  /** By listing id and day. */
  readonly revisions: Record<string, Record<string, number>>;
  /** Listings for which a revision too many was asked: a bug of whoever asked. */
  readonly overspent: string[];
  /** Requests that are none eBay takes. */
  readonly invalid: string[];
  listings: number;
};

export type AccountSeed = {
  /** Single listings by SKU, with so many each; offers are numbered from 7001 in this order. */
  readonly skus?: Readonly<Record<string, number>>;
  /** Listings whose variations are SKUs. */
  readonly variations?: readonly Readonly<Record<string, number>>[];
};

const firstOffer = 7_001;
const firstListing = 110_000_001;

export function newAccount(seed: AccountSeed): AccountState {
  const state: AccountState = {
    clientId: 'onhand-emulated',
    clientSecret: 'client-secret-emulated',
    refreshToken: 'v^1.1#refresh-emulated',
    tokens: {},
    tokenSeconds: 7_200,
    outOfStockControl: true,
    oneSkuPerCall: false,
    revisionsPerDay: 250,
    dayTimeZone: 'America/Los_Angeles',
    titles: {},
    offers: {},
    facts: {},
    revisions: {},
    overspent: [],
    invalid: [],
    listings: 0,
  };
  const singles = Object.entries(seed.skus ?? {}).map((entry) => [entry]);
  const groups = (seed.variations ?? []).map((group) => Object.entries(group));
  for (const group of [...singles, ...groups]) {
    const listingId = newListing(state);
    for (const [sku, quantity] of group) addOffer(state, sku, quantity, listingId);
  }
  return state;
}

/** The number of a listing that was just made. */
export function newListing(state: AccountState): string {
  state.listings += 1;
  return String(firstListing + state.listings - 1);
}

function addOffer(state: AccountState, sku: string, quantity: number, listingId: string): void {
  const offerId = String(firstOffer + Object.keys(state.offers).length);
  state.titles[sku] = `Item ${sku}`;
  state.offers[offerId] = {
    offerId,
    sku,
    marketplaceId: 'EBAY_US',
    status: 'PUBLISHED',
    listingId,
    listingStatus: quantity === 0 ? 'OUT_OF_STOCK' : 'ACTIVE',
    availableQuantity: quantity,
    details: {
      format: 'FIXED_PRICE',
      categoryId: '30120',
      merchantLocationKey: 'warehouse',
      pricingSummary: { price: { currency: 'USD', value: '9.99' } },
    },
  };
  state.facts[offerId] = [{ quantity, by: 'seller', at: 0 }];
}

/** Sets what an offer shows, and keeps that it was so. */
export function setQuantity(state: AccountState, offer: EmulatedOffer, fact: OfferFact): void {
  offer.availableQuantity = fact.quantity;
  if (fact.quantity > 0) offer.listingStatus = 'ACTIVE';
  else offer.listingStatus = state.outOfStockControl ? 'OUT_OF_STOCK' : 'ENDED';
  (state.facts[offer.offerId] ??= []).push(fact);
}

/** Counts a revision of a listing. @returns whether it is one too many, and not to be made */
export function isOverspent(state: AccountState, listingId: string, now: number): boolean {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: state.dayTimeZone }).format(now);
  const days = (state.revisions[listingId] ??= {});
  const spent = days[day] ?? 0;
  if (spent >= state.revisionsPerDay) {
    state.overspent.push(listingId);
    return true;
  }
  days[day] = spent + 1;
  return false;
}
