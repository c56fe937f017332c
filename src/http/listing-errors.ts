import { z } from '@hono/zod-openapi';
import type { Refusal } from '../errors.ts';
import { invalid } from './request-text.ts';

const errorsOf = z.array(z.object({ path: z.string(), message: z.string() }));

/**
 * Ids that a kind of channel does not take are a request that is not valid, as any other; other
 * refusals stay as they are.
 * @param within how paths begin that the request has elsewhere
 * @param place where it has them
 */
export function invalidListings(refusal: Refusal, within = '', place = ''): Refusal {
  if (refusal.code !== 'LISTING.INVALID') return refusal;
  const errors = errorsOf.parse(refusal.data?.['errors']);
  return invalid(
    errors.map(({ path, message }) => {
      return { path: place + path.slice(path.startsWith(within) ? within.length : 0), message };
    }),
  );
}
