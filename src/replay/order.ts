import { fingerprint } from '../idempotency/index.ts';

/**
 * `sale`: takes stock, or is refused for lack of it. `cancellation`: puts stock back.
 * `correction`: stock that was found missing or damaged.
 */
export type OrderKind = 'sale' | 'cancellation' | 'correction';

/** One order of a file, or what a file says was put back or lost. */
export type ReplayOrder = {
  readonly orderId: string;
  readonly kind: OrderKind;
  readonly at: Date;
  /** Each SKU once, with 1 or more units: their sign is the kind's. */
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
};

/** Where a file is replayed to. */
export type ReplayTarget = { readonly merchantId: string; readonly storeId: string };

/** What an order says, to tell it from another one of the same number. */
export function orderFingerprint(order: ReplayOrder): string {
  return fingerprint(order.kind, order.lines);
}

/**
 * The same UUID for the same order at every run: its name as a command and as an idempotency key,
 * by which a run after a crash finds in the ledger what the one before it did.
 */
export function orderCommandId({ merchantId, storeId }: ReplayTarget, order: ReplayOrder): string {
  return fingerprint('replay', merchantId, storeId, order.kind, order.orderId);
}
