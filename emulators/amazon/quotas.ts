import type { AccountState } from './state.ts';

/** Calls a second, and at once, by Amazon's models. */
const usagePlans = {
  patchListingsItem: { rate: 5, burst: 5 },
  getListingsItem: { rate: 5, burst: 10 },
  searchListingsItems: { rate: 5, burst: 5 },
  createFeedDocument: { rate: 0.5, burst: 15 },
  createFeed: { rate: 0.0083, burst: 15 },
  getFeed: { rate: 2, burst: 15 },
  getFeedDocument: { rate: 0.0222, burst: 10 },
  /** What a seller may submit of this type in a region: not in the models. */
  jsonListingsFeed: { rate: 5 / 300, burst: 5 },
} as const;

export type PlannedOperation = keyof typeof usagePlans;

/**
 * Takes a call from an operation's quota.
 * @param speed so many times what Amazon allows, for tests in a hurry
 * @returns whether there was one left, and what may be called a second
 */
export function takeCall(
  state: AccountState,
  operation: PlannedOperation,
  now: number,
  speed: number,
): { readonly isLeft: boolean; readonly rate: number } {
  const { rate, burst } = usagePlans[operation];
  const bucket = (state.buckets[operation] ??= { tokens: burst * speed, at: now });
  const gained = (Math.max(now - bucket.at, 0) / 1_000) * rate * speed;
  bucket.tokens = Math.min(burst * speed, bucket.tokens + gained);
  bucket.at = now;
  const isLeft = bucket.tokens >= 1;
  if (isLeft) bucket.tokens -= 1;
  return { isLeft, rate: rate * speed };
}
