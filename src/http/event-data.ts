import { z } from '@hono/zod-openapi';
import { adjustableQuantities } from '../stock/index.ts';
import {
  channelId,
  delta,
  externalIds,
  lines,
  name,
  sku,
  storable,
  storeId,
  text,
  time,
} from './fields.ts';

// What the events that come in say. CloudEvents 1.0 around it.

const sourceChannel = text.nullable().optional();

export const orderConfirmed = z
  .strictObject({
    orderId: name,
    lines: lines.optional(),
    reservationId: name.optional(),
    sourceChannel,
  })
  .refine((order) => order.lines !== undefined || order.reservationId !== undefined, {
    error: 'Needed unless a reservation is named',
    path: ['lines'],
  });

export const orderCancelled = z.strictObject({
  orderId: name,
  lines: lines.optional(),
  reservationId: name.optional(),
  sourceChannel,
});

export const inventoryAdjusted = z.strictObject({
  storeId,
  sku,
  delta,
  quantity: z.enum(adjustableQuantities).default('onHand'),
  reason: text.optional(),
  reference: text.optional(),
  sourceChannel: text.optional(),
  mode: z.enum(['guarded', 'fact']).default('fact'),
});

export const listingUpdated = z.strictObject({ channelId, storeId, sku, externalIds });

const envelope = {
  specversion: z.literal('1.0').optional(),
  id: name,
  source: name,
  type: name,
  time: time.optional(),
  subject: text.optional(),
  datacontenttype: text.optional(),
  dataschema: text.optional(),
};

/** What brokers and tracers add on the way; nothing here is done with it. */
const extension = z.union([text, z.number(), z.boolean()]);

/** CloudEvents has null mean that an attribute is not set. What `data` is, is up to its type. */
function withoutNulls(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event;
  const members = Object.entries(event);
  return Object.fromEntries(members.filter(([key, value]) => key === 'data' || value !== null));
}

/** The envelope; what `data` may be depends on `type`, and is checked then. */
export const cloudEvent = z.preprocess(
  withoutNulls,
  z
    .object({
      ...envelope,
      // Whatever it says is gone through member by member, where the request has a key.
      data: z.unknown().refine(storable, { error: 'Texts have no NUL, and nest at most 32 deep' }),
    })
    .catchall(extension)
    .superRefine((event, context) => {
      // CloudEvents has names of lower-case letters and digits alone: others are mistakes.
      const keys = Object.keys(event).filter((key) => !/^[a-z0-9]+$/.test(key));
      if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: event });
    }),
);

/** What CloudEvents leaves to the sender may be null, which is as if it were not there. */
const describedEnvelope = {
  ...envelope,
  time: envelope.time.nullable(),
  subject: envelope.subject.nullable(),
  datacontenttype: envelope.datacontenttype.nullable(),
  dataschema: envelope.dataschema.nullable(),
};

const described = <Type extends string>(type: Type, data: z.ZodType) =>
  z.object({ ...describedEnvelope, type: z.literal(type), data }).catchall(extension.nullable());

/** The same with what each type's data is: for the API's description. */
export const describedEvent = z.union([
  described('order.confirmed', orderConfirmed),
  described('order.cancelled', orderCancelled),
  described('inventory.adjusted', inventoryAdjusted),
  described('listing.updated', listingUpdated),
]);
