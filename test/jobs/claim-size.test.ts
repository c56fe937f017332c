import { expect, test } from 'vitest';
import { claimsFor } from '../../src/jobs/claim-size.ts';

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
