import { writeAvailable, type ShopState } from './state.ts';

export type EmulatedLine = {
  readonly id: number;
  readonly itemId: string;
  readonly sku: string;
  readonly quantity: number;
  /** What is left after removals and refunds. */
  current: number;
};

export type EmulatedRefund = {
  /** Numbered within the order when it is made. */
  readonly id?: number;
  readonly lineId: number;
  readonly quantity: number;
  readonly restockType: 'cancel' | 'return' | 'no_restock';
};

/** An order as the shop has it. What it takes and gives back moves what can be sold. */
export type EmulatedOrder = {
  readonly id: number;
  readonly locationId: string;
  financialStatus: 'pending' | 'authorized' | 'paid' | 'refunded' | 'partially_refunded';
  cancelledAt: string | null;
  updatedAt: string;
  readonly lines: EmulatedLine[];
  readonly refunds: EmulatedRefund[];
};

/** A buyer orders: as in Shopify, what can be sold may fall below 0. */
export function placeOrder(
  state: ShopState,
  order: {
    readonly lines: readonly { readonly itemId: string; readonly quantity: number }[];
    readonly at: Date;
    readonly locationId?: string;
    readonly isPaid?: boolean;
  },
): EmulatedOrder {
  const locationId = order.locationId ?? state.locations[0]?.id ?? '';
  state.lastId += 1;
  const id = state.lastId;
  const placed: EmulatedOrder = {
    id,
    locationId,
    financialStatus: order.isPaid === false ? 'pending' : 'paid',
    cancelledAt: null,
    updatedAt: secondsOf(order.at),
    lines: order.lines.map(({ itemId, quantity }, index) => ({
      id: id * 100 + index,
      itemId,
      sku: state.items[itemId]?.sku ?? '',
      quantity,
      current: quantity,
    })),
    refunds: [],
  };
  for (const { itemId, quantity } of placed.lines) sell(state, placed, itemId, quantity);
  state.orders[String(id)] = placed;
  return placed;
}

/** The buyer pays. */
export function payOrder(order: EmulatedOrder, at: Date): void {
  order.financialStatus = 'paid';
  order.updatedAt = secondsOf(at);
}

/** Staff removes units of a line and puts them back, or leaves them out of stock. */
export function refundOrder(
  state: ShopState,
  order: EmulatedOrder,
  refund: EmulatedRefund,
  at: Date,
): void {
  const line = order.lines.find(({ id }) => id === refund.lineId);
  if (line === undefined || line.current < refund.quantity) throw new Error('nothing to refund');
  line.current -= refund.quantity;
  order.refunds.push({ ...refund, id: order.id * 100 + order.refunds.length });
  order.updatedAt = secondsOf(at);
  if (refund.restockType !== 'no_restock') sell(state, order, line.itemId, -refund.quantity);
}

/** Staff adds units to an order by editing it: a new line, as in Shopify. */
export function addToOrder(
  state: ShopState,
  order: EmulatedOrder,
  added: { readonly itemId: string; readonly quantity: number },
  at: Date,
): void {
  const { itemId, quantity } = added;
  const id = order.id * 100 + order.lines.length;
  const sku = state.items[itemId]?.sku ?? '';
  order.lines.push({ id, itemId, sku, quantity, current: quantity });
  order.updatedAt = secondsOf(at);
  sell(state, order, itemId, quantity);
}

/** Cancels an order: everything that is left goes back to stock, or nothing does. */
export function cancelOrder(
  state: ShopState,
  order: EmulatedOrder,
  at: Date,
  restock = true,
): void {
  const restockType = restock ? 'cancel' : 'no_restock';
  for (const { id: lineId, current: quantity } of order.lines) {
    if (quantity > 0) refundOrder(state, order, { lineId, quantity, restockType }, at);
  }
  order.cancelledAt = secondsOf(at);
  order.updatedAt = secondsOf(at);
}

function sell(state: ShopState, order: EmulatedOrder, itemId: string, quantity: number): void {
  const { locationId } = order;
  const to = (state.items[itemId]?.available[locationId] ?? 0) - quantity;
  writeAvailable(state, { itemId, locationId, to, by: 'order', key: null });
}

/** Shopify's times have whole seconds. */
function secondsOf(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, '+00:00');
}
