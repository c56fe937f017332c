import { Emulator } from '../emulator.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { answer } from './answer.ts';
import {
  newStore,
  productOf,
  writeStock,
  type StoreSeed,
  type StoreState,
  type Write,
} from './state.ts';

export type StoreOptions = {
  readonly seed?: StoreSeed;
  readonly faults?: FaultPlan;
  readonly stateFile?: string;
  readonly port?: number;
};

/** A shop of WooCommerce's on this machine, and what its staff can do and see. */
export type Store = {
  readonly server: Emulator<StoreState>;
  readonly state: StoreState;
  /** A channel's config for it. */
  readonly config: { readonly baseUrl: string };
  readonly credentials: { readonly consumerKey: string; readonly consumerSecret: string };
  /** The ids of a listing. */
  idsOf(sku: string): { readonly productId: number; readonly variationId?: number };
  /** What it shows; null: it is not counted. */
  stockOf(sku: string): number | null;
  /** Staff sets the quantity, in the admin. */
  setByHand(sku: string, quantity: number): void;
  /** Each quantity of a SKU, oldest first. */
  history(sku: string): readonly Write[];
};

/**
 * Starts a shop. It answers as the REST API v3 does: batches of 100, a result for each item inside
 * of 200, variations by their product, and quantities dropped where stock is not counted.
 */
export async function startStore(options: StoreOptions = {}): Promise<Store> {
  const { seed = {}, ...more } = options;
  const server = await Emulator.start<StoreState>({
    initial: newStore(seed),
    handle: answer,
    ...more,
  });
  const { state } = server;
  const { consumerKey, consumerSecret } = state;
  return {
    server,
    state,
    config: { baseUrl: server.url },
    credentials: { consumerKey, consumerSecret },
    idsOf: (sku) => {
      const { id, parentId } = productOf(state, sku);
      return parentId === 0 ? { productId: id } : { productId: parentId, variationId: id };
    },
    stockOf: (sku) => productOf(state, sku).stockQuantity,
    setByHand: (sku, quantity) => writeStock(state, productOf(state, sku), quantity, 'staff'),
    history: (sku) => {
      const { id } = productOf(state, sku);
      return state.writes.filter(({ productId }) => productId === id);
    },
  };
}
