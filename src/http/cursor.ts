import type { z } from '@hono/zod-openapi';
import { ok, refused, type Result } from '../errors.ts';
import { storable } from './fields.ts';
import { json, type Answered } from './reply.ts';
import { invalid } from './request-text.ts';

/** Where the next page begins, as an opaque text. */
export function writeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/** The place a cursor stands for; undefined without one. Refusals: REQUEST.INVALID. */
export function readCursor<T>(
  cursor: string | undefined,
  schema: z.ZodType<T>,
): Result<T | undefined> {
  if (cursor === undefined) return ok(undefined);
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    // Postgres is asked for what lies behind it, and takes no text that it cannot store.
    const result = storable(value) ? schema.safeParse(value) : undefined;
    if (result?.success === true) return ok(result.data);
  } catch {
    // Not JSON: the same answer as for JSON that says something else.
  }
  return refused(invalid([{ path: 'cursor', message: 'Not a cursor of this list' }]));
}

/** A page of a list; `next` undefined on the last one; `more` is said beside it. */
export function page(
  items: readonly unknown[],
  next: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Answered {
  return json(200, { items, nextCursor: next === undefined ? null : writeCursor(next), ...more });
}
