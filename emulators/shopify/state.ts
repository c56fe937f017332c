import type { EmulatedOrder } from './orders.ts';

export type EmulatedLocation = { readonly id: string; readonly name: string };

export type EmulatedItem = {
  readonly id: string;
  readonly sku: string;
  readonly title: string;
  tracked: boolean;
  /** What can be sold, by location; absent: not stocked there. May be below 0. */
  readonly available: Record<string, number>;
};

/** One change of what can be sold of an item at a location. */
export type Write = {
  readonly itemId: string;
  readonly locationId: string;
  readonly from: number;
  readonly to: number;
  /** `app`: the mutation; `order`: sold or given back; `staff`: by hand in the admin. */
  readonly by: 'app' | 'order' | 'staff';
  /** The idempotency key it came with. */
  readonly key: string | null;
};

export type KnownKey = {
  /** What came with it, exactly. */
  readonly content: string;
  status: 'done' | 'running' | 'failed';
  readonly payload: unknown;
  readonly at: number;
  /** How often it came again. */
  repeats: number;
};

/** A shop, whole: plain JSON, so that it outlives its server. */
export type ShopState = {
  readonly shopDomain: string;
  readonly accessTokens: string[];
  scopes: string[];
  /** `frozen`: its bill is not paid; `locked`: Shopify has shut it. */
  standing: 'open' | 'frozen' | 'locked';
  readonly locations: EmulatedLocation[];
  readonly items: Record<string, EmulatedItem>;
  readonly writes: Write[];
  readonly keys: Record<string, KnownKey>;
  /** Keys that came again with other content: a bug of whoever sent them. */
  readonly mismatches: string[];
  readonly bucket: { capacity: number; restoreRate: number; level: number; at: number };
  /** Calls that were turned away because the bucket was too low. */
  throttled: number;
  readonly orders: Record<string, EmulatedOrder>;
  lastId: number;
};

/** What a shop is made of. */
export type ShopSeed = {
  readonly shopDomain?: string;
  readonly accessToken?: string;
  /** Default: one, 1. */
  readonly locations?: readonly number[];
  /** SKUs are stocked everywhere, with this many; items are numbered from 1001 in this order. */
  readonly skus?: Readonly<Record<string, number>>;
  readonly bucket?: { readonly capacity: number; readonly restoreRate: number };
};

export function newShop(seed: ShopSeed): ShopState {
  const locations = (seed.locations ?? [1]).map((number) => ({
    id: `gid://shopify/Location/${number}`,
    name: `Location ${number}`,
  }));
  const items = Object.entries(seed.skus ?? {}).map(([sku, available], index): EmulatedItem => {
    return {
      id: `gid://shopify/InventoryItem/${1_001 + index}`,
      sku,
      title: `Item ${sku}`,
      tracked: true,
      available: Object.fromEntries(locations.map(({ id }) => [id, available])),
    };
  });
  // What a development shop on the standard plan was seen to have.
  const { capacity, restoreRate } = seed.bucket ?? { capacity: 2_000, restoreRate: 100 };
  return {
    shopDomain: seed.shopDomain ?? 'onhand-test.myshopify.com',
    accessTokens: [seed.accessToken ?? 'shpat_emulated'],
    scopes: ['read_inventory', 'write_inventory', 'read_locations', 'read_products', 'read_orders'],
    standing: 'open',
    locations,
    items: Object.fromEntries(items.map((item) => [item.id, item])),
    writes: [],
    keys: {},
    mismatches: [],
    bucket: { capacity, restoreRate, level: capacity, at: 0 },
    throttled: 0,
    orders: {},
    lastId: 5_000,
  };
}

/** Sets what can be sold, and writes it into the history. */
export function writeAvailable(
  state: ShopState,
  write: Pick<Write, 'itemId' | 'locationId' | 'to' | 'by' | 'key'>,
): void {
  const { itemId, locationId, to } = write;
  const item = state.items[itemId];
  const from = item?.available[locationId];
  if (item === undefined || from === undefined) {
    throw new Error(`${itemId} is not stocked at ${locationId}`);
  }
  item.available[locationId] = to;
  state.writes.push({ ...write, from });
}
