/** Jobs that are claimed at once, however large they are. */
export const fewestClaimed = 20;
/** How many it may be. A few: the claim's statement is planned once for each. */
const steps = [fewestClaimed, 40, 80, 160, 320, 500];

type Sized = { readonly listings: readonly unknown[] };

/**
 * How many jobs to claim at once when they are like the last ones: half as many to as many as fill
 * `fewestClaimed` calls, so that a channel that is behind does not fall further behind because its
 * jobs are small. From `fewestClaimed` to 500.
 * @param maxBatch the most listings of a call
 */
export function claimsFor(jobs: readonly Sized[], maxBatch: number): number {
  const listings = jobs.reduce((sum, job) => sum + job.listings.length, 0);
  if (listings === 0) return fewestClaimed;
  const wanted = Math.ceil((fewestClaimed * maxBatch * jobs.length) / listings);
  return steps.findLast((step) => step <= wanted) ?? fewestClaimed;
}

/**
 * Of claimed jobs those to work now: the first ones, with about as many listings as fill
 * `fewestClaimed` calls. How large jobs are is seen once they are claimed, and figures are read for
 * all of them together: of more jobs the last ones' would be old before they are sent.
 */
export function workNow<J extends Sized>(
  jobs: readonly J[],
  maxBatch: number,
): { readonly now: readonly J[]; readonly later: readonly J[] } {
  let listings = 0;
  const end = jobs.findIndex((job) => {
    const isFull = listings >= fewestClaimed * maxBatch;
    listings += job.listings.length;
    return isFull;
  });
  const count = end < 0 ? jobs.length : end;
  return { now: jobs.slice(0, count), later: jobs.slice(count) };
}
