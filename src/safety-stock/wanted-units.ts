import type { DailyDemand } from '../stock/index.ts';
import { inverseNormal } from './inverse-normal.ts';

export const strategies = ['static', 'dynamic', 'velocity_based'] as const;
export type Strategy = (typeof strategies)[number];

/** How much is kept back, with nothing left open. */
export type Policy = {
  readonly strategy: Strategy;
  /** `static`: so many; `velocity_based`: so many while demand is not known yet. */
  readonly units: number;
  /** `dynamic`: percent of what is on hand, 0 … 100. */
  readonly percentage: number;
  /** `velocity_based`: days until a new delivery is there, 0 or more. */
  readonly leadTimeDays: number;
  /** `velocity_based`: how probably what is kept lasts for that time, 0.5 … 0.9999. */
  readonly serviceLevel: number;
  /** `velocity_based`: full days of sales that count, 2 or more. */
  readonly windowDays: number;
};

/** Daily demand as it varies. `sigma` null: of fewer than two days there is none. */
export type Velocity = {
  readonly days: number;
  readonly mean: number;
  readonly sigma: number | null;
};

/**
 * Mean and standard deviation of a level's daily demand. The days are a sample of the demand to
 * come, so the deviation is the sample's: the sum of squares is divided by n − 1, not by n.
 */
export function velocityOf({ days, units, squares }: DailyDemand): Velocity {
  if (days === 0) return { days, mean: 0, sigma: null };
  const mean = units / days;
  if (days < 2) return { days, mean, sigma: null };
  const variance = Math.max(0, (squares - units * mean) / (days - 1));
  return { days, mean, sigma: Math.sqrt(variance) };
}

/**
 * Units that a policy wants kept back, rounded up: half a unit cannot be kept.
 *
 * `static`: the figure. `dynamic`: percent of what is on hand. `velocity_based`: z × σ ×
 * √(lead time); z is the standard normal quantile of the service level, σ the deviation of daily
 * demand.
 */
export function wantedUnits(policy: Policy, onHand: number, velocity?: Velocity): number {
  if (policy.strategy === 'dynamic') return roundUp((onHand * policy.percentage) / 100);
  const sigma = velocity?.sigma ?? null;
  if (policy.strategy === 'static' || sigma === null) return policy.units;
  return roundUp(inverseNormal(policy.serviceLevel) * sigma * Math.sqrt(policy.leadTimeDays));
}

/** What a product of floats has too much by, so that 30 % of 10 are 3 and not 4. */
const tooMuch = 1e-9;

function roundUp(units: number): number {
  return Math.max(0, Math.ceil(units - tooMuch));
}
