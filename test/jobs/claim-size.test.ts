import { expect, test } from 'vitest';
import { claimsFor, workNow } from '../../src/jobs/claim-size.ts';

const jobsOf = (jobs: number, listings: number) =>
  Array.from({ length: jobs }, () => ({ listings: Array.from({ length: listings }) }));

test.each([
  { what: 'nothing was due', jobs: jobsOf(0, 0), most: 20 },
  { what: 'full jobs', jobs: jobsOf(20, 100), most: 20 },
  { what: 'quarters of a call', jobs: jobsOf(20, 25), most: 80 },
  { what: 'single listings', jobs: jobsOf(3, 1), most: 500 },
])('$what: $most jobs are claimed next', ({ jobs, most }) => {
  expect(claimsFor(jobs, 100)).toBe(most);
});

test('where a call has one listing, as many jobs are claimed as ever', () => {
  expect(claimsFor(jobsOf(20, 1), 1)).toBe(20);
});

test.each([
  { what: 'small jobs', jobs: jobsOf(500, 1), now: 500 },
  { what: 'full jobs', jobs: jobsOf(500, 100), now: 20 },
  { what: 'full jobs behind small ones', jobs: [...jobsOf(100, 1), ...jobsOf(400, 100)], now: 119 },
  { what: 'a job that fills it', jobs: jobsOf(3, 5_000), now: 1 },
  { what: 'nothing', jobs: [], now: 0 },
])('of $what $now of those that were claimed are worked', ({ jobs, now }) => {
  const split = workNow(jobs, 100);
  expect(split.now).toEqual(jobs.slice(0, now));
  expect(split.later).toEqual(jobs.slice(now));
});
