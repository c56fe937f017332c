import type { z } from '@hono/zod-openapi';
import { putListings } from '../channels/index.ts';
import { refuse } from '../errors.ts';
import { cancelOrder, confirmOrder, type OrderEvent } from '../reservations/index.ts';
import { performOnce } from './claim.ts';
import { replyOf, submitCommand } from './command-reply.ts';
import type { Caller, Services } from './context.ts';
import {
  inventoryAdjusted,
  listingUpdated,
  orderCancelled,
  orderConfirmed,
  type cloudEvent,
} from './event-data.ts';
import { occurredAt as occurredAtField } from './fields.ts';
import { invalidListings } from './listing-errors.ts';
import { checkPart } from './operation.ts';
import { json, type Reply } from './reply.ts';
import { adjustCommand, keyed } from './stock-commands.ts';

type CloudEvent = z.output<typeof cloudEvent>;

/** An event on its way, with what all types need of it. */
type Taken = {
  readonly services: Services;
  readonly caller: Caller;
  /** Of source and id; never one that a caller could choose, those have no control characters. */
  readonly idempotencyKey: string;
  readonly occurredAt: Date | undefined;
};

type EventType = (data: unknown, taken: Taken) => Promise<Reply>;

/** Pairs the schema of a type's data with what the type does. */
function eventType<T>(
  schema: z.ZodType<T>,
  take: (data: T, taken: Taken) => Promise<Reply>,
): EventType {
  return async (data, taken) => {
    const checked = checkPart(schema, data, 'data');
    return checked.ok ? take(checked.value, taken) : checked.refusal;
  };
}

type OrderData = z.output<typeof orderConfirmed> | z.output<typeof orderCancelled>;

function orderEvent(type: string, data: OrderData, taken: Taken): OrderEvent {
  const { caller, occurredAt } = taken;
  return {
    merchantId: caller.merchantId,
    actor: caller.keyId,
    orderId: data.orderId,
    lines: data.lines ?? [],
    reservationId: data.reservationId,
    sourceChannel: data.sourceChannel ?? null,
    occurredAt: occurredAt ?? null,
    idempotencyKey: keyed(taken, () => ['event', type, data, occurredAt]),
  };
}

const eventTypes = new Map<string, EventType>([
  [
    'order.confirmed',
    eventType(orderConfirmed, async (data, taken) => {
      const { services } = taken;
      const policy = services.config.inventorySync.reservations.commitAfterExpiry;
      const event = orderEvent('order.confirmed', data, taken);
      return replyOf(await submitCommand(services, confirmOrder(event, policy)));
    }),
  ],
  [
    'order.cancelled',
    eventType(orderCancelled, async (data, taken) => {
      const event = orderEvent('order.cancelled', data, taken);
      return replyOf(await submitCommand(taken.services, cancelOrder(event)));
    }),
  ],
  [
    'inventory.adjusted',
    eventType(inventoryAdjusted, async (data, taken) => {
      const command = adjustCommand(taken, { ...data, occurredAt: taken.occurredAt });
      const outcome = await submitCommand(taken.services, command);
      if (outcome.kind === 'refused') return outcome.refusal;
      // The command is answered with the level, also when it is remembered.
      const level = outcome.answer.body;
      const body = `{"type":"inventory.adjusted","outcome":"adjusted","level":${level}}`;
      return { status: 202, body, replayed: outcome.kind === 'replayed' };
    }),
  ],
  [
    'listing.updated',
    eventType(listingUpdated, async (data, { services, caller, idempotencyKey }) => {
      const { merchantId } = caller;
      const request = ['event', 'listing.updated', data];
      const claimed = { merchantId, key: idempotencyKey, request, secret: false };
      return performOnce(services, claimed, async () => {
        const { channelId, ...listing } = data;
        const { db, adapters } = services;
        const input = { merchantId, channelId, adapters, listings: [listing] };
        const result = await putListings(db, input);
        if (!result.ok) return invalidListings(result.refusal, 'listings.0.', 'data.');
        const [shown] = result.value;
        return json(202, { type: 'listing.updated', outcome: 'listed', listing: shown });
      });
    }),
  ],
]);

/**
 * Does what an event says, once for its source and id; answered with 202 and what it came to.
 * Refusals: EVENT.UNKNOWN_TYPE, REQUEST.INVALID, those of `confirmOrder`, `cancelOrder`,
 * `adjustStock` and `putListings`, IDEMPOTENCY.KEY_REUSED (the same id says other things).
 */
export async function takeEvent(
  services: Services,
  caller: Caller,
  event: CloudEvent,
): Promise<Reply> {
  const take = eventTypes.get(event.type);
  if (take === undefined) {
    const known = [...eventTypes.keys()];
    return refuse('EVENT.UNKNOWN_TYPE', `Known types are ${known.join(', ')}.`, { known });
  }
  const at = checkPart(occurredAtField.optional(), event.time?.toISOString(), 'time');
  if (!at.ok) return at.refusal;
  const idempotencyKey = `event\u001f${event.source}\u001f${event.id}`;
  return take(event.data, { services, caller, idempotencyKey, occurredAt: at.value });
}
