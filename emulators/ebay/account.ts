import { Emulator } from '../emulator.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { answer, type Paging } from './answer.ts';
import {
  newAccount,
  setQuantity,
  type AccountSeed,
  type AccountState,
  type EmulatedOffer,
  type OfferFact,
} from './state.ts';

export type AccountOptions = {
  readonly seed?: AccountSeed;
  readonly faults?: FaultPlan;
  readonly stateFile?: string;
  readonly port?: number;
  readonly now?: () => number;
  /** Default: by pages. */
  readonly paging?: Paging;
};

/** A seller's account at eBay on this machine, and what its seller can do and see. */
export type Account = {
  readonly server: Emulator<AccountState>;
  readonly state: AccountState;
  /** A channel's config for it. */
  readonly config: { readonly baseUrl: string };
  readonly credentials: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly refreshToken: string;
  };
  /** The ids of a listing. */
  idsOf(sku: string): { sku: string; offerId: string; listingId: string };
  /** What buyers can buy: nothing where no listing is. */
  shownOf(sku: string): number;
  /** Somebody buys, just now. */
  sell(sku: string, quantity: number): void;
  /** Everything that an offer showed, in order. */
  history(sku: string): readonly OfferFact[];
};

/**
 * Starts a seller's account. There is no specification of eBay's that may be kept beside the
 * project, so requests are checked by what the emulator knows of it: 25 offers in a call, both
 * languages named, whole quantities of 0 or more, and 250 revisions of a listing in a calendar day.
 */
export async function startAccount(options: AccountOptions = {}): Promise<Account> {
  const { seed = {}, now = Date.now, paging = 'pages', ...more } = options;
  const server = await Emulator.start<AccountState>({
    initial: newAccount(seed),
    handle: (request, state) => answer(request, state, now(), paging),
    ...more,
  });
  const { state } = server;
  return {
    server,
    state,
    config: { baseUrl: server.url },
    credentials: {
      clientId: state.clientId,
      clientSecret: state.clientSecret,
      refreshToken: state.refreshToken,
    },
    idsOf: (sku) => {
      const { offerId, listingId } = offerOf(state, sku);
      if (listingId === null) throw new Error(`${sku} has no listing`);
      return { sku, offerId, listingId };
    },
    shownOf: (sku) => {
      const offer = offerOf(state, sku);
      return offer.status === 'PUBLISHED' ? offer.availableQuantity : 0;
    },
    sell: (sku, quantity) => {
      const offer = offerOf(state, sku);
      const left = offer.availableQuantity - quantity;
      if (left < 0 || offer.status !== 'PUBLISHED') throw new Error('nobody can buy that');
      setQuantity(state, offer, { quantity: left, by: 'sale', at: now() });
    },
    history: (sku) => state.facts[offerOf(state, sku).offerId] ?? [],
  };
}

function offerOf(state: AccountState, sku: string): EmulatedOffer {
  const found = Object.values(state.offers).find((offer) => offer.sku === sku);
  if (found === undefined) throw new Error(`the account offers no ${sku}`);
  return found;
}
