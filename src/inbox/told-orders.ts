import {
  fetchOrder,
  type ChannelAdapter,
  type ChannelRow,
  type InboundEvent,
  type PublishFailure,
} from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { SecretBox } from '../encryption.ts';
import type { OrderEvent } from './apply-order.ts';
import type { RefundEvent } from './apply-refund.ts';

/** What asking a channel for an order takes. */
export type AskContext = {
  readonly secretBox: SecretBox;
  readonly clock: Clock;
};

type Webhook = {
  readonly topic: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
};

/** A body that is not what its topic promises will not become so: it is poison at once. */
export class Untranslatable extends Error {}

/** The channel did not say what is in the order: it is asked again later. */
export class OrderNotRead extends Error {
  readonly retryAfterMs: number;
  /** It is the channel that does not answer, whatever it is asked for. */
  readonly isAway: boolean;

  constructor({ code, scope, retryAfterMs = 0 }: PublishFailure) {
    super(`the order could not be read: ${code}`);
    this.retryAfterMs = retryAfterMs;
    this.isAway = scope === 'channel';
  }
}

/**
 * The orders and refunds that a webhook tells of, each whole. Orders that it only names are asked
 * for, as they are by now; what wants no stock, or is not there, is left out. Rejects with
 * `Untranslatable` or `OrderNotRead`, and as `around` does.
 *
 * Nothing follows from a quantity that a channel shows: it may be an echo of ours, or a sale whose
 * order is still on its way, which would be undone by sending ours. Reconciliation looks twice.
 * @param around makes a request to the channel, when its turn comes
 */
export async function ordersToldBy(
  { topic, headers, body }: Webhook,
  adapter: ChannelAdapter,
  channel: ChannelRow,
  { secretBox, clock }: AskContext,
  around: <Answer>(ask: () => Promise<Answer>) => Promise<Answer>,
): Promise<readonly (OrderEvent | RefundEvent)[]> {
  const orders: (OrderEvent | RefundEvent)[] = [];
  for (const event of eventsOf(adapter, channel, { topic, headers, body })) {
    if (event.kind === 'order' || event.kind === 'refund') orders.push(event);
    const ask = adapter.fetchOrder?.bind(adapter);
    if (event.kind !== 'order_changed' || ask === undefined) continue;
    // A webhook is worked to its end when the process stops: the channel's timeout bounds it.
    const signal = new AbortController().signal;
    const options = { secretBox, now: () => clock.now(), signal };
    const named = { orderId: event.orderId, toldAt: event.occurredAt };
    const result = await around(() => fetchOrder({ fetchOrder: ask }, channel, named, options));
    if (!result.ok) throw new OrderNotRead(result.failure);
    if (result.order !== null) orders.push(result.order);
  }
  return orders;
}

function eventsOf(
  adapter: ChannelAdapter,
  channel: ChannelRow,
  { topic, headers, body }: Webhook,
): readonly InboundEvent[] {
  try {
    return adapter.translate?.(topic, { headers, body }, channel.config) ?? [];
  } catch (cause) {
    throw new Untranslatable('the webhook cannot be read', { cause });
  }
}
