import type { Db } from '../db/index.ts';
import { ok, refused, type Result } from '../errors.ts';
import type { Adapters, ChannelAdapter } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import { channelNotFound } from './manage-channel.ts';
import { findChannel, mappingKey, readMapping, type MappedPlace } from './mapping.ts';

/**
 * - `ids_shared`: another listing has the same ids, so the channel is told two figures for one item
 * - `ids_unusable`: the channel's kind does not know ids of this form
 * - `ids_missing`: the kind needs ids, and there are none
 * - `no_level`: nothing was ever counted there, so there is nothing to publish
 */
export type ListingProblemCode = 'ids_shared' | 'ids_unusable' | 'ids_missing' | 'no_level';

export type ListingProblem = MappedPlace & {
  readonly code: ListingProblemCode;
  /** Of `ids_shared`: the first listing with these ids. */
  readonly other: MappedPlace | null;
};

export type ListingCheck = {
  readonly checked: number;
  /** How many problems there are; not all of them may be listed. */
  readonly found: number;
  readonly problems: readonly ListingProblem[];
};

/**
 * Looks for listings that cannot be published as they are, by SKU and store.
 * Refusals: CHANNEL.NOT_FOUND.
 * @param options.limit so many problems are listed
 */
export async function checkListings(
  db: Db,
  adapters: Adapters,
  options: { readonly merchantId: string; readonly channelId: string; readonly limit: number },
): Promise<Result<ListingCheck>> {
  const { merchantId, channelId, limit } = options;
  const channel = await findChannel(db, merchantId, channelId);
  const adapter = channel === undefined ? undefined : adapters.get(channel.kind);
  if (channel === undefined || adapter === undefined) return refused(channelNotFound(channelId));
  const problems: ListingProblem[] = [];
  let [checked, found] = [0, 0];
  for await (const listing of problemsOf(db, channel, adapter)) {
    checked += 1;
    for (const problem of listing) {
      found += 1;
      if (problems.length < limit) problems.push(problem);
    }
  }
  return ok({ checked, found, problems });
}

/** For each listing what is wrong with it. */
async function* problemsOf(
  db: Db,
  channel: ChannelRow,
  adapter: ChannelAdapter,
): AsyncGenerator<readonly ListingProblem[]> {
  const first = new Map<string, MappedPlace>();
  for await (const { sku, storeId, externalIds, hasLevel } of readMapping(db, channel)) {
    const place = { storeId, sku };
    const key = mappingKey(adapter, externalIds);
    const other = key === undefined ? undefined : first.get(key);
    if (key !== undefined && other === undefined) first.set(key, place);
    const codes: ListingProblemCode[] = [];
    const needsIds = adapter.externalIdsSchema !== undefined;
    if (externalIds === null) codes.push(...(needsIds ? (['ids_missing'] as const) : []));
    else if (adapter.externalIdsSchema?.safeParse(externalIds).success === false) {
      codes.push('ids_unusable');
    }
    if (other !== undefined) codes.push('ids_shared');
    if (!hasLevel) codes.push('no_level');
    yield codes.map((code) => {
      return { code, ...place, other: code === 'ids_shared' ? (other ?? null) : null };
    });
  }
}
