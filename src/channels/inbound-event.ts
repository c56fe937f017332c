/** One line of a channel's order: what is still wanted of it, after edits, removals and returns. */
export type InboundLine = {
  readonly lineId: string;
  /** As `listingKey` gives it, or `lineKeys` takes it; null where the channel names none. */
  readonly listingKey: string | null;
  readonly sku: string | null;
  /** The channel's place that ships it, where it says so. */
  readonly locationId: string | null;
  /** Units sold and not cancelled, removed, or given back to stock; 0 or more. */
  readonly quantity: number;
};

/** The whole state of a channel's order. */
export type InboundOrder = {
  readonly kind: 'order';
  /** The channel's order number. */
  readonly orderId: string;
  /** `pending`: not paid, stock is held; `confirmed`: sold; `cancelled`: given back. */
  readonly status: 'pending' | 'confirmed' | 'cancelled';
  /** Orders states of one order: a newer one has a higher figure. */
  readonly revision: number;
  /**
   * Orders states that have one revision and one status: a figure that only grows while an order
   * lives, where the channel's revisions are too coarse. 0 when absent.
   */
  readonly progress?: number;
  /**
   * The refunds that the lines count already, by their ids; absent: all there are. Matters of
   * channels that tell of refunds by themselves too.
   */
  readonly refundIds?: readonly string[];
  readonly occurredAt: Date;
  readonly lines: readonly InboundLine[];
};

/** Units of a channel's order that went back to stock. It counts once, by its id. */
export type InboundRefund = {
  readonly kind: 'refund';
  readonly orderId: string;
  readonly refundId: string;
  readonly occurredAt: Date;
  /** Units that went back, by line; what was lost is not among them. */
  readonly lines: readonly { readonly lineId: string; readonly quantity: number }[];
};

/**
 * What a webhook tells: the whole state of its subject at a time and never a step, but for refunds,
 * which have ids of their own.
 */
export type InboundEvent =
  | InboundOrder
  | InboundRefund
  | {
      /** An order has changed, and the webhook does not say how: `fetchOrder` has to be asked. */
      readonly kind: 'order_changed';
      readonly orderId: string;
      readonly occurredAt: Date;
    }
  | {
      /** The channel shows another quantity, by its own account. Nothing follows from it. */
      readonly kind: 'shown';
      readonly listingKey: string;
      readonly quantity: number;
      readonly occurredAt: Date;
    };
