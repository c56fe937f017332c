/** Quantities a stock level keeps, in the order of the ledger's enum. */
export const quantities = [
  'onHand',
  'reserved',
  'allocated',
  'openOrders',
  'pendingSales',
  'unavailable',
  'safetyStock',
  'incoming',
] as const;

export type Quantity = (typeof quantities)[number];

/** Quantities that `adjust` may change; the others move by reservations and by policy. */
export const adjustableQuantities = [
  'onHand',
  'allocated',
  'openOrders',
  'pendingSales',
  'unavailable',
  'incoming',
] as const satisfies readonly Quantity[];

export type AdjustableQuantity = (typeof adjustableQuantities)[number];

/** The ledger's names of the quantities. */
export const quantityColumn = {
  onHand: 'on_hand',
  reserved: 'reserved',
  allocated: 'allocated',
  openOrders: 'open_orders',
  pendingSales: 'pending_sales',
  unavailable: 'unavailable',
  safetyStock: 'safety_stock',
  incoming: 'incoming',
} as const satisfies Record<Quantity, string>;

export type QuantityColumn = (typeof quantityColumn)[Quantity];

/** What one unit more of a quantity does to `available`. */
export const effectOnAvailable: Readonly<Record<Quantity, -1 | 0 | 1>> = {
  onHand: 1,
  reserved: -1,
  allocated: -1,
  openOrders: -1,
  pendingSales: -1,
  unavailable: -1,
  safetyStock: -1,
  incoming: 0,
};

export const maxQuantity = 2_147_483_647;

export type LevelKey = {
  readonly merchantId: string;
  readonly sku: string;
  readonly storeId: string;
};

/** One SKU at one location, as a batch works on it. */
export type Level = LevelKey & {
  /** False until the first command that creates it; `version` is 0 then. */
  exists: boolean;
  /** Whether the location is known; a level cannot exist without one. */
  readonly storeExists: boolean;
  /** As the row has it: holds that ended but were not swept yet are still in it. */
  reserved: number;
  /** Units of `reserved` whose hold has ended: free already. */
  expiredHolds: number;
  /** When the next of its other holds ends, or earlier, in ms since 1970; Infinity: none does. */
  nextHoldEndsMs: number;
  onHand: number;
  allocated: number;
  openOrders: number;
  pendingSales: number;
  unavailable: number;
  safetyStock: number;
  incoming: number;
  version: number;
  /** Milliseconds since 1970 of the newest change; 0 when there is none. */
  updatedAtMs: number;
};

/** A level as the API shows it. */
export type LevelView = {
  readonly storeId: string;
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly allocated: number;
  readonly openOrders: number;
  readonly pendingSales: number;
  readonly unavailable: number;
  readonly safetyStock: number;
  readonly incoming: number;
  readonly available: number;
  readonly version: number;
  readonly updatedAt: string;
};

/** The figures behind `available`. */
type Figures = Record<Quantity, number> & { expiredHolds: number };

/**
 * What can be sold: on hand − reserved − allocated − open orders − pending sales − unavailable −
 * safety stock, where a hold that has ended no longer counts. Negative when a fact oversold.
 */
export function availableOf(level: Readonly<Figures>): number {
  return (
    level.onHand -
    (level.reserved - level.expiredHolds) -
    level.allocated -
    level.openOrders -
    level.pendingSales -
    level.unavailable -
    level.safetyStock
  );
}

export function viewLevel(level: Level): LevelView {
  return {
    storeId: level.storeId,
    sku: level.sku,
    onHand: level.onHand,
    reserved: level.reserved - level.expiredHolds,
    allocated: level.allocated,
    openOrders: level.openOrders,
    pendingSales: level.pendingSales,
    unavailable: level.unavailable,
    safetyStock: level.safetyStock,
    incoming: level.incoming,
    available: availableOf(level),
    version: level.version,
    updatedAt: timeText(level.updatedAtMs),
  };
}

let lastMs = 0;
let lastText = new Date(0).toISOString();

/** A time as text. The levels of a batch share their moment, so it is made once for all of them. */
function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}

/** A map key; the separator cannot occur in an id, which has no control characters. */
export function levelId(key: LevelKey): string {
  return `${key.merchantId}\u0000${key.sku}\u0000${key.storeId}`;
}
