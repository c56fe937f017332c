/** Jobs that are claimed at once, however large they are. */
export const fewestClaimed = 20;
const mostClaimed = 500;

/**
 * How many jobs to claim at once when they are like the last ones: about as many as fill
 * `fewestClaimed` calls, so that a channel that is behind does not fall further behind because its
 * jobs are small. From `fewestClaimed` to 500.
 * @param maxBatch the most listings of a call
 */
export function claimsFor(
  jobs: readonly { readonly listings: readonly unknown[] }[],
  maxBatch: number,
): number {
  const listings = jobs.reduce((sum, job) => sum + job.listings.length, 0);
  if (listings === 0) return fewestClaimed;
  const wanted = Math.ceil((fewestClaimed * maxBatch * jobs.length) / listings);
  return Math.min(mostClaimed, Math.max(fewestClaimed, wanted));
}
