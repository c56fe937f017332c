import { z } from '@hono/zod-openapi';
import { maxQuantity } from '../stock/index.ts';

// The kinds of values that requests carry. What Postgres cannot store (NUL, halves of surrogate
// pairs) is refused here, by name, and never reaches it.

const control = /\p{Cc}/u;

/** Characters as people count them: an emoji is one. */
function isAtMost(text: string, most: number): boolean {
  return text.length <= most || (text.length <= 2 * most && Array.from(text).length <= most);
}

/** An id that somebody else gave: 1 to 128 characters, such as a SKU or a store id. */
function idField(what: string) {
  const error = `${what} has 1 to 128 characters, no control characters, and is not "." or ".."`;
  return z
    .string()
    .refine(
      (id) =>
        id !== '' &&
        id !== '.' &&
        id !== '..' &&
        isAtMost(id, 128) &&
        !control.test(id) &&
        id.isWellFormed(),
      { error },
    )
    .openapi({ minLength: 1, maxLength: 128 });
}

export const sku = idField('A SKU').openapi({ example: '85123A' });
export const storeId = idField('A store id').openapi({ example: 'main' });
export const merchantId = idField('A merchant id').openapi({ example: 'default' });
export const channelId = idField('A channel id').openapi({ example: 'webshop' });
export const sourceId = idField('A source id').openapi({ example: 'erp' });
/** An id of our own making: unknown ones are not found, whatever they look like. */
export const ownId = idField('An id');

/** Free text of at most 255 characters: a reason, a reference. */
export const text = z
  .string()
  .refine((value) => isAtMost(value, 255) && !value.includes('\u0000') && value.isWellFormed(), {
    error: 'A text has at most 255 characters and no NUL',
  })
  .openapi({ maxLength: 255 });

/** Whether a text can name something: 1 to 255 characters, no control characters. */
export function isName(value: string): boolean {
  return value !== '' && isAtMost(value, 255) && !control.test(value) && value.isWellFormed();
}

/** A text that names something. */
export const name = z
  .string()
  .refine(isName, { error: 'A name has 1 to 255 characters and no control characters' })
  .openapi({ minLength: 1, maxLength: 255 });

/** Whether a header or a mutation's `id` can be an idempotency key. */
export const idempotencyKey = name.openapi({ example: 'b4f0c1f2-order-17' });

/** A signed change of a quantity. */
export const delta = z.int().min(-maxQuantity).max(maxQuantity);
/** A figure that was counted. */
export const count = z.int().min(0).max(maxQuantity);
/** How much of something: at least one. */
export const units = z.int().min(1).max(maxQuantity);
export const version = z.int().min(0);
export const ttlSeconds = z.int().min(1).max(31_536_000);

const soonMs = 5 * 60 * 1000;
const dateTime = z.iso.datetime({ offset: true });

/** A time as RFC 3339 with an offset. Leap seconds have no place in a Date and are refused. */
export const time = dateTime
  .transform((value) => new Date(value))
  .refine((at) => !Number.isNaN(at.getTime()), { error: 'No such time' });

/** When something happened: not before 1970, and not in the future (but clocks differ a little). */
export const occurredAt = time.refine(
  (at) => at.getTime() >= 0 && at.getTime() <= Date.now() + soonMs,
  { error: 'A time from 1970 until now' },
);

/** A whole number in a query. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .refine((digits) => /^-?\d{1,16}$/.test(digits), { error: 'Expected a whole number' })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `Expected ${min} to ${max}` })
    .openapi({ type: 'integer', minimum: min, maximum: max });
}

/** Yes or no in a query. */
export const queryFlag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .openapi({ type: 'boolean', enum: [true, false] });

/** Whether Postgres can store it as JSON: no NUL, no halves of characters, not too deep. */
export function storable(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return !value.includes('\u0000') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (depth > 32) return false;
  return Object.entries(value).every(
    ([member, inner]) => storable(member) && storable(inner, depth + 1),
  );
}

/** The names a channel has for a SKU at a store. */
export const externalIds = z
  .record(name, z.union([text, z.int()]))
  .refine((ids) => Object.keys(ids).length <= 20, { error: 'At most 20 ids' });

/** The parameters that every list takes. */
export const paging = {
  limit: queryInteger(1, 1000).optional().openapi({ default: 100 }),
  cursor: z.string().optional().openapi({ description: 'From nextCursor of the page before.' }),
};

export const defaultLimit = 100;

/** No fields at all. */
export const noFields = z.strictObject({});

/** What an order or a reservation takes. The same SKU at the same store is added up. */
export const lines = z
  .array(z.strictObject({ storeId, sku, quantity: units }))
  .min(1)
  .max(1000);
