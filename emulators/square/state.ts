/** A variation of an item of the catalog. */
export type EmulatedVariation = {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  /** Composed of others: its counts are estimated, and in no answer. */
  isEstimated?: boolean;
};

/** Something that was told about the stock of a variation at a location. */
export type StockFact = {
  readonly kind: 'count' | 'adjustment';
  /** Counted, or added (below 0: sold). */
  readonly quantity: number;
  /** When it was so, by whoever says it, in ms: facts count in this order. */
  readonly occurredAt: number;
  readonly by: 'api' | 'till' | 'staff';
  /** The idempotency key it came with. */
  readonly key: string | null;
};

export type KnownKey = {
  /** What came with it, exactly. */
  readonly content: string;
  readonly answer: unknown;
  /** How often it came again. */
  repeats: number;
};

export type EmulatedOrder = {
  readonly id: string;
  readonly location_id: string;
  state: 'OPEN' | 'COMPLETED' | 'CANCELED' | 'DRAFT';
  version: number;
  updated_at: string;
  line_items: readonly {
    readonly uid: string;
    readonly catalog_object_id?: string;
    readonly quantity: string;
  }[];
  tenders?: readonly { readonly type: string }[];
  net_amount_due_money?: { readonly amount: number; readonly currency: string };
};

/** A seller, whole: plain JSON, so that it outlives its server. */
export type SellerState = {
  readonly merchantId: string;
  accessToken: string;
  scopes: string[];
  readonly locations: { readonly id: string; readonly name: string; status: string }[];
  readonly variations: Record<string, EmulatedVariation>;
  /** By variation and location, in the order they came in. */
  readonly facts: Record<string, StockFact[]>;
  readonly keys: Record<string, KnownKey>;
  /** Keys that came again with other content: a bug of whoever sent them. */
  readonly mismatches: string[];
  /** Requests that Square's own specification does not allow. */
  readonly invalid: string[];
  /** An order of the real Square may say less. */
  readonly orders: Record<string, Partial<EmulatedOrder>>;
};

export type SellerSeed = {
  readonly accessToken?: string;
  /** Default: one, `L1`. */
  readonly locations?: readonly string[];
  /** Variations by SKU, counted everywhere with so many; numbered `V1` and on in this order. */
  readonly skus?: Readonly<Record<string, number>>;
};

export function newSeller(seed: SellerSeed): SellerState {
  const ids = seed.locations ?? ['L1'];
  const state: SellerState = {
    merchantId: 'MERCHANT-1',
    accessToken: seed.accessToken ?? 'square-emulated',
    scopes: ['INVENTORY_READ', 'INVENTORY_WRITE', 'ITEMS_READ', 'ORDERS_READ'],
    locations: ids.map((id) => ({ id, name: `Location ${id}`, status: 'ACTIVE' })),
    variations: {},
    facts: {},
    keys: {},
    mismatches: [],
    invalid: [],
    orders: {},
  };
  for (const [index, [sku, quantity]] of Object.entries(seed.skus ?? {}).entries()) {
    const id = `V${index + 1}`;
    state.variations[id] = { id, sku, name: `Item ${sku}` };
    for (const place of ids) {
      const kind = 'count';
      addFact(state, id, place, { kind, quantity, occurredAt: 0, by: 'staff', key: null });
    }
  }
  return state;
}

export function addFact(
  state: SellerState,
  variationId: string,
  locationId: string,
  fact: StockFact,
): void {
  (state.facts[`${variationId} ${locationId}`] ??= []).push(fact);
}

/**
 * What is there: the newest count by its own time, and what was added since. Of two counts of one
 * time the one that came in later. Undefined: it was never counted.
 */
export function quantityOf(
  state: SellerState,
  variationId: string,
  locationId: string,
): number | undefined {
  const facts = state.facts[`${variationId} ${locationId}`] ?? [];
  const count = newestCount(facts);
  if (count === undefined) return undefined;
  return facts
    .filter((fact) => fact.kind === 'adjustment' && fact.occurredAt > count.occurredAt)
    .reduce((sum, { quantity }) => sum + quantity, count.quantity);
}

export function newestCount(facts: readonly StockFact[]): StockFact | undefined {
  const counts = facts.filter(({ kind }) => kind === 'count');
  return counts.reduce<StockFact | undefined>((newest, fact) => {
    return newest === undefined || fact.occurredAt >= newest.occurredAt ? fact : newest;
  }, undefined);
}
