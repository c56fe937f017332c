import type { ChannelAdapter } from './adapter.ts';
import type { ListingInput } from './listings.ts';

/** So many mistakes are named at most. */
const most = 100;

/**
 * What is wrong with the ids of listings, by what the channel's kind takes; of the first hundred
 * mistakes each by its path. A kind that names no form takes all.
 */
export function invalidIds(
  adapter: ChannelAdapter | undefined,
  listings: readonly ListingInput[],
): readonly { readonly path: string; readonly message: string }[] {
  const schema = adapter?.externalIdsSchema;
  const errors: { path: string; message: string }[] = [];
  if (schema === undefined) return errors;
  for (const [index, { externalIds }] of listings.entries()) {
    for (const issue of schema.safeParse(externalIds).error?.issues ?? []) {
      const path = ['listings', index, 'externalIds', ...issue.path].map(String).join('.');
      errors.push({ path, message: issue.message });
    }
    if (errors.length >= most) return errors.slice(0, most);
  }
  return errors;
}
