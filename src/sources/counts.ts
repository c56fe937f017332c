import type { RunCounts } from './tables.ts';

/** What can become of an item, in the order in which it is shown. */
export const countNames = [
  'read',
  'applied',
  'unchanged',
  'stale',
  'refused',
  'held',
  'quarantined',
] as const satisfies readonly (keyof RunCounts)[];

export const noCounts: RunCounts = {
  read: 0,
  applied: 0,
  unchanged: 0,
  stale: 0,
  refused: 0,
  held: 0,
  quarantined: 0,
};

export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return Object.fromEntries(countNames.map((name) => [name, a[name] + b[name]])) as RunCounts;
}
