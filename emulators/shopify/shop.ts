import { Emulator } from '../emulator.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { answer, type AnswerOptions } from './answer.ts';
import { newShop, writeAvailable, type ShopSeed, type ShopState, type Write } from './state.ts';

export type ShopOptions = Partial<AnswerOptions> & {
  readonly seed?: ShopSeed;
  readonly faults?: FaultPlan;
  readonly stateFile?: string;
  readonly port?: number;
};

/** A shop of Shopify's on this machine, and what its staff can do and see. */
export type Shop = {
  readonly server: Emulator<ShopState>;
  readonly state: ShopState;
  /** A channel's config for it. */
  readonly config: { readonly shopDomain: string; readonly baseUrl: string };
  readonly credentials: { readonly accessToken: string };
  /** The ids of a listing. */
  idsOf(sku: string, location?: number): { inventoryItemId: string; locationId: string };
  /** What can be sold of a SKU; undefined: it is not stocked there. */
  available(sku: string, location?: number): number | undefined;
  /** Staff sets what can be sold, in the admin. */
  setByHand(sku: string, available: number, location?: number): void;
  /** Called with the items of each mutation before it is worked: what is sold just then. */
  beforeMutation: (itemIds: readonly string[]) => void;
  /** Each change of a SKU, oldest first. */
  history(sku: string, location?: number): readonly Write[];
};

/**
 * Starts a shop. It answers by Shopify's own schema, and enforces what that does not say: the
 * mandatory directive and field, keys that are answered once, compare-and-set, 250 rows, and the
 * cost bucket by its own clock.
 */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { seed = {}, now = Date.now, keysLastMs, ...more } = options;
  const limits = keysLastMs === undefined ? { now } : { now, keysLastMs };
  let shop: Shop | undefined;
  const server = await Emulator.start<ShopState>({
    initial: newShop(seed),
    handle: (request, state) => {
      const ids = itemsOf(request.body);
      if (ids.length > 0) shop?.beforeMutation(ids);
      return answer(request, state, limits);
    },
    ...more,
  });
  const { state } = server;
  // The clock may begin anywhere.
  if (state.bucket.at === 0) state.bucket.at = now();
  const idsOf = (sku: string, location = 1): { inventoryItemId: string; locationId: string } => {
    const item = Object.values(state.items).find((one) => one.sku === sku);
    if (item === undefined) throw new Error(`the shop has no ${sku}`);
    return { inventoryItemId: item.id, locationId: `gid://shopify/Location/${location}` };
  };
  shop = {
    server,
    beforeMutation: () => undefined,
    state,
    config: { shopDomain: state.shopDomain, baseUrl: server.url },
    credentials: { accessToken: state.accessTokens[0] ?? '' },
    idsOf,
    available: (sku, location) => {
      const { inventoryItemId, locationId } = idsOf(sku, location);
      return state.items[inventoryItemId]?.available[locationId];
    },
    setByHand: (sku, to, location) => {
      const { inventoryItemId: itemId, locationId } = idsOf(sku, location);
      writeAvailable(state, { itemId, locationId, to, by: 'staff', key: null });
    },
    history: (sku, location) => {
      const { inventoryItemId, locationId } = idsOf(sku, location);
      return state.writes.filter((write) => {
        return write.itemId === inventoryItemId && write.locationId === locationId;
      });
    },
  };
  return shop;
}

/** The items that a request would set. */
function itemsOf(body: string): readonly string[] {
  const { variables } = JSON.parse(body) as {
    variables?: { input?: { quantities?: readonly { inventoryItemId: string }[] } };
  };
  return variables?.input?.quantities?.map(({ inventoryItemId }) => inventoryItemId) ?? [];
}
