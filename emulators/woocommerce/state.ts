/** A product, or a variation of one: they are numbered together. */
export type EmulatedProduct = {
  readonly id: number;
  /** 0: a product of its own. */
  readonly parentId: number;
  readonly sku: string;
  readonly name: string;
  /** `grouped` and `external` products have no stock. */
  readonly type: 'simple' | 'variable' | 'variation' | 'grouped' | 'external';
  manageStock: boolean;
  /** May be below 0, with backorders. */
  stockQuantity: number | null;
  modifiedAt: string;
};

/** One quantity that somebody set. */
export type Write = {
  readonly productId: number;
  readonly from: number | null;
  readonly to: number;
  readonly by: 'api' | 'order' | 'staff';
};

export type EmulatedHook = {
  readonly id: number;
  readonly topic: string;
  readonly deliveryUrl: string;
  readonly secret: string;
  /** `disabled`: too many deliveries in a row have failed. */
  status: 'active' | 'paused' | 'disabled';
  failures: number;
};

/** A shop, whole: plain JSON, so that it outlives its server. */
export type StoreState = {
  readonly consumerKey: string;
  readonly consumerSecret: string;
  permissions: 'read' | 'write' | 'read_write';
  /** The shop's own setting, which stands above those of the products. */
  managesStock: boolean;
  /** A shop may filter it. */
  batchLimit: number;
  /** Whether lists say how long they are; some proxies take the headers away. */
  tellsTotals: boolean;
  readonly products: Record<string, EmulatedProduct>;
  readonly writes: Write[];
  readonly hooks: EmulatedHook[];
  lastId: number;
};

export type StoreSeed = {
  readonly consumerKey?: string;
  readonly consumerSecret?: string;
  /** Simple products by SKU, with so many each; numbered from 101 in this order. */
  readonly skus?: Readonly<Record<string, number>>;
  /** Variations by SKU, by the name of the product they are of. */
  readonly variable?: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

export function newStore(seed: StoreSeed): StoreState {
  const state: StoreState = {
    consumerKey: seed.consumerKey ?? 'ck_emulated',
    consumerSecret: seed.consumerSecret ?? 'cs_emulated',
    permissions: 'read_write',
    managesStock: true,
    batchLimit: 100,
    tellsTotals: true,
    products: {},
    writes: [],
    hooks: [],
    lastId: 100,
  };
  for (const [sku, quantity] of Object.entries(seed.skus ?? {})) {
    addProduct(state, { sku, quantity });
  }
  for (const [name, variations] of Object.entries(seed.variable ?? {})) {
    const { id: parentId } = addProduct(state, { sku: '', name, type: 'variable' });
    for (const [sku, quantity] of Object.entries(variations)) {
      addProduct(state, { sku, quantity, type: 'variation', parentId });
    }
  }
  return state;
}

/** Adds a product; without a quantity its stock is not counted. */
export function addProduct(
  state: StoreState,
  product: {
    readonly sku: string;
    readonly quantity?: number;
    readonly name?: string;
    readonly type?: EmulatedProduct['type'];
    readonly parentId?: number;
  },
): EmulatedProduct {
  const { sku, quantity, name = `Product ${sku}`, type = 'simple', parentId = 0 } = product;
  state.lastId += 1;
  const added: EmulatedProduct = {
    id: state.lastId,
    parentId,
    sku,
    name,
    type,
    manageStock: quantity !== undefined,
    stockQuantity: quantity ?? null,
    modifiedAt: '2026-11-21T00:00:00',
  };
  state.products[String(added.id)] = added;
  return added;
}

export function productOf(state: StoreState, sku: string): EmulatedProduct {
  const found = Object.values(state.products).find((product) => product.sku === sku);
  if (found === undefined) throw new Error(`the shop has no ${sku}`);
  return found;
}

/** Sets a quantity, and writes it into the history. */
export function writeStock(
  state: StoreState,
  product: EmulatedProduct,
  to: number,
  by: Write['by'],
): void {
  state.writes.push({ productId: product.id, from: product.stockQuantity, to, by });
  product.stockQuantity = to;
}
