import { Emulator } from '../emulator.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { answer, type AnswerOptions } from './answer.ts';
import { openSpecification } from './specification.ts';
import {
  addFact,
  newSeller,
  quantityOf,
  type EmulatedVariation,
  type SellerSeed,
  type SellerState,
  type StockFact,
} from './state.ts';

export type SellerOptions = Partial<Pick<AnswerOptions, 'now' | 'pageSize'>> & {
  readonly seed?: SellerSeed;
  readonly faults?: FaultPlan;
  readonly stateFile?: string;
  readonly port?: number;
};

/** A seller's account at Square on this machine, and what its staff can do and see. */
export type Seller = {
  readonly server: Emulator<SellerState>;
  readonly state: SellerState;
  /** A channel's config for it. */
  readonly config: { readonly baseUrl: string };
  readonly credentials: { readonly accessToken: string };
  /** The ids of a listing. */
  idsOf(sku: string, location?: string): { catalogObjectId: string; locationId: string };
  /** What is in stock; undefined: it was never counted. */
  stockOf(sku: string, location?: string): number | undefined;
  /** Sold at a till, just now. */
  sell(sku: string, quantity: number, location?: string): void;
  /** Staff counts, just now. */
  countByHand(sku: string, quantity: number, location?: string): void;
  /** Called before each change of inventory is worked: what happens at the till just then. */
  beforeChange: () => void;
  /** Everything that was told of a SKU, in the order it came in. */
  history(sku: string, location?: string): readonly StockFact[];
};

/**
 * Starts a seller's account. Requests are checked against Square's own specification where that is
 * at hand, and always by what it does not say: 100 changes, quantities as text, times of the last
 * 24 hours, counts in the order of their times, and keys that are answered once.
 */
export async function startSeller(options: SellerOptions = {}): Promise<Seller> {
  const { seed = {}, now = Date.now, pageSize = 100, ...more } = options;
  const check = await openSpecification();
  let seller: Seller | undefined;
  const server = await Emulator.start<SellerState>({
    initial: newSeller(seed),
    handle: (request, state) => {
      if (request.path.endsWith('/changes/batch-create')) seller?.beforeChange();
      return answer(request, state, { now, check, pageSize });
    },
    ...more,
  });
  const { state } = server;
  const place = state.locations[0]?.id ?? '';
  const tell = (sku: string, locationId: string, fact: Pick<StockFact, 'kind' | 'quantity'>) => {
    const by = fact.kind === 'count' ? 'staff' : 'till';
    addFact(state, variationOf(state, sku).id, locationId, {
      ...fact,
      occurredAt: now(),
      by,
      key: null,
    });
  };
  seller = {
    server,
    beforeChange: () => undefined,
    state,
    config: { baseUrl: server.url },
    credentials: { accessToken: state.accessToken },
    idsOf: (sku, locationId = place) => {
      return { catalogObjectId: variationOf(state, sku).id, locationId };
    },
    stockOf: (sku, location = place) => quantityOf(state, variationOf(state, sku).id, location),
    sell: (sku, quantity, location = place) => {
      tell(sku, location, { kind: 'adjustment', quantity: -quantity });
    },
    countByHand: (sku, quantity, location = place) => {
      tell(sku, location, { kind: 'count', quantity });
    },
    history: (sku, location = place) => {
      return state.facts[`${variationOf(state, sku).id} ${location}`] ?? [];
    },
  };
  return seller;
}

function variationOf(state: SellerState, sku: string): EmulatedVariation {
  const found = Object.values(state.variations).find((variation) => variation.sku === sku);
  if (found === undefined) throw new Error(`the seller has no ${sku}`);
  return found;
}
