import { Emulator } from '../emulator.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { advance, answer, type AnswerOptions } from './answer.ts';
import { openSpecification } from './specification.ts';
import {
  newAccount,
  quantityOf,
  show,
  type AccountSeed,
  type AccountState,
  type Write,
} from './state.ts';

export type AccountOptions = Partial<Omit<AnswerOptions, 'check'>> & {
  readonly seed?: AccountSeed;
  readonly faults?: FaultPlan;
  readonly stateFile?: string;
  readonly port?: number;
};

/** A seller's account at Amazon on this machine, and what buyers and the seller do there. */
export type Account = {
  readonly server: Emulator<AccountState>;
  readonly state: AccountState;
  /** A channel's config for it. */
  readonly config: {
    readonly sellerId: string;
    readonly marketplaceIds: readonly [string];
    readonly baseUrl: string;
    readonly tokenUrl: string;
  };
  readonly credentials: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly refreshToken: string;
  };
  /** What is shown, when everything is done whose time has come. */
  stockOf(sku: string): number | undefined;
  /** Sold at Amazon, just now. */
  sell(sku: string, quantity: number): void;
  /** Sold as soon as the newest patch of the listing is shown. */
  sellWhenShown(sku: string, quantity: number): void;
  /** The quantities that a listing came to show, in their order. */
  history(sku: string): readonly Write[];
};

/**
 * Starts a seller's account. Requests, and its own answers, are checked against Amazon's models
 * where those are at hand, and always by what they do not say: tokens that end, quotas, patches
 * that are applied later, feeds that are processed one after the other, documents' URLs that end.
 */
export async function startAccount(options: AccountOptions = {}): Promise<Account> {
  const { seed = {}, now = Date.now, tokenSeconds = 3_600, patchMs = 1_000, speed = 1 } = options;
  const { feedQueueMs = 5_000, feedProcessMs = 10_000, ...rest } = options;
  const { faults, stateFile, port } = rest;
  const check = await openSpecification();
  const answering = { now, check, tokenSeconds, patchMs, speed, feedQueueMs, feedProcessMs };
  const server = await Emulator.start<AccountState>({
    initial: newAccount(seed),
    handle: (request, state) => answer(request, state, answering),
    ...(faults === undefined ? {} : { faults }),
    ...(stateFile === undefined ? {} : { stateFile }),
    ...(port === undefined ? {} : { port }),
  });
  const { state } = server;
  const { sellerId, marketplaceId, clientId, clientSecret, refreshToken } = state;
  const listingOf = (sku: string) => {
    advance(state, now());
    const listing = state.listings[sku];
    if (listing === undefined) throw new Error(`the seller has no ${sku}`);
    return listing;
  };
  return {
    server,
    state,
    config: {
      sellerId,
      marketplaceIds: [marketplaceId],
      baseUrl: server.url,
      tokenUrl: `${server.url}/auth/o2/token`,
    },
    credentials: { clientId, clientSecret, refreshToken },
    stockOf: (sku) => quantityOf(listingOf(sku)),
    sell: (sku, sold) => {
      const left = Math.max((quantityOf(listingOf(sku)) ?? 0) - sold, 0);
      show(state, sku, { by: 'sale', quantity: left, at: now() });
    },
    sellWhenShown: (sku, sold) => {
      const newest = state.submissions.findLast((submission) => submission.sku === sku);
      if (newest === undefined) throw new Error(`nothing is submitted of ${sku}`);
      const value = newest.value.map((one) => ({ ...one, quantity: (one.quantity ?? 0) - sold }));
      state.submissions.push({ ...newest, by: 'sale', value });
    },
    history: (sku) => {
      listingOf(sku);
      return state.writes[sku] ?? [];
    },
  };
}
