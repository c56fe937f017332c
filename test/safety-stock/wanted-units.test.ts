import { expect, test } from 'vitest';
import { inverseNormal } from '../../src/safety-stock/inverse-normal.ts';
import {
  velocityOf,
  wantedUnits,
  type Policy,
  type Velocity,
} from '../../src/safety-stock/wanted-units.ts';

// Quantiles from tables with sixteen digits.
test.each([
  [0.5, 0],
  [0.9, 1.2815515655446004],
  [0.95, 1.6448536269514722],
  [0.975, 1.959963984540054],
  [0.98, 2.0537489106318225],
  [0.99, 2.3263478740408408],
  [0.9999, 3.719016485455709],
  [0.05, -1.6448536269514722],
  [0.01, -2.3263478740408408],
])('the quantile of %d is %d', (p, z) => {
  expect(Math.abs(inverseNormal(p) - z)).toBeLessThanOrEqual(1.15e-9 * Math.abs(z) + 1e-12);
});

test.each([0, 1, -1, Number.NaN])('there is no quantile of %d', (p) => {
  expect(() => inverseNormal(p)).toThrow(RangeError);
});

test.each([
  // 3, 5, 2, 8, 4, 6, 7
  [{ days: 7, units: 35, squares: 203 }, 5, Math.sqrt(28 / 6)],
  [{ days: 7, units: 0, squares: 0 }, 0, 0],
  // 0 and 10
  [{ days: 2, units: 10, squares: 100 }, 5, Math.sqrt(50)],
  [{ days: 3, units: 3, squares: 3 }, 1, 0],
  [{ days: 1, units: 9, squares: 81 }, 9, null],
  [{ days: 0, units: 0, squares: 0 }, 0, null],
])('%j varies by the standard deviation of a sample', (demand, mean, sigma) => {
  expect(velocityOf(demand)).toEqual({ days: demand.days, mean, sigma });
});

const policy: Policy = {
  strategy: 'static',
  units: 7,
  percentage: 10,
  leadTimeDays: 4,
  serviceLevel: 0.95,
  windowDays: 28,
};
const sigma = (value: number | null): Velocity => ({ days: 9, mean: 1, sigma: value });

const cases: [Partial<Policy>, number, Velocity | undefined, number][] = [
  [{}, 100, undefined, 7],
  [{}, 0, undefined, 7],
  [{ strategy: 'dynamic' }, 100, undefined, 10],
  [{ strategy: 'dynamic' }, 101, undefined, 11],
  [{ strategy: 'dynamic' }, 0, undefined, 0],
  // 30 % of 10 are 3, also in floats, where 0.3 × 10 may be more.
  [{ strategy: 'dynamic', percentage: 30 }, 10, undefined, 3],
  [{ strategy: 'dynamic', percentage: 7 }, 100, undefined, 7],
  [{ strategy: 'dynamic', percentage: 100 }, 2_147_483_647, undefined, 2_147_483_647],
  [{ strategy: 'velocity_based' }, 100, sigma(2), 7],
  [{ strategy: 'velocity_based' }, 100, sigma(3), 10],
  [{ strategy: 'velocity_based' }, 100, sigma(0), 0],
  [{ strategy: 'velocity_based', serviceLevel: 0.5 }, 100, sigma(9), 0],
  [{ strategy: 'velocity_based', leadTimeDays: 0 }, 100, sigma(9), 0],
  [{ strategy: 'velocity_based', units: 4 }, 100, sigma(null), 4],
  [{ strategy: 'velocity_based', units: 4 }, 100, undefined, 4],
];

test.each(cases)('%j with %d on hand and %j wants %d', (more, onHand, velocity, wanted) => {
  expect(wantedUnits({ ...policy, ...more }, onHand, velocity)).toBe(wanted);
});
