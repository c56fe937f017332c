import type { SqlSample } from '../baseline.ts';
import type { Equipment } from '../equipment.ts';
import {
  describeFailures,
  runHttpLoad,
  sumFailures,
  type HttpLoad,
  type LoadSample,
  type SkuChoice,
} from '../load/http-load.ts';
import { describeCost, type Cost } from '../measure/cost.ts';
import { describeObservation, observe, type Observation } from '../measure/observe.ts';
import { formatNumber, formatRange, formatSpread, median } from '../measure/statistics.ts';
import type { Check, Outcome } from '../report/row.ts';
import { settle, type Shop } from '../shop.ts';

export type ShopLoad = Pick<HttpLoad, 'request' | 'skus' | 'connections' | 'lines'> & {
  /** As long as one round takes, when absent. */
  readonly seconds?: number;
};

/** Loads a shop for one round, then lets it finish what it has begun. */
export async function loadShop(
  { lab }: Equipment,
  shop: Shop,
  load: ShopLoad,
): Promise<Observation> {
  const { url } = shop.service;
  const all = { seconds: lab.scale.oursSeconds, ...load, url, apiKey: shop.apiKey };
  const seen = await observe(shop, () => runHttpLoad(all, lab.tools));
  const unrelayed = await settle(shop, lab.scale.settleMs);
  return { ...seen, unrelayed };
}

/** One round of pgbench with as many clients as are fastest on these SKUs, or with so many. */
export async function loadPostgres(
  equipment: Equipment,
  skus: SkuChoice,
  clients?: number,
): Promise<SqlSample> {
  const sql = await equipment.sql();
  const count = clients ?? (await sql.bestClients(skus));
  return await sql.run(skus, count, equipment.lab.scale.baselineSeconds);
}

export type RateComparison = {
  readonly ours: readonly Observation[];
  readonly baseline: readonly (LoadSample & { readonly cost?: Cost })[];
  /** The bar: ours / baseline. */
  readonly atLeast: number;
  /** What one request of ours counts for. */
  readonly worth?: number;
  /** What the rates are of, as in `/s`. */
  readonly unit?: string;
  readonly checks?: readonly Check[];
  readonly notes?: readonly string[];
};

/** The row of two rates: medians and spread of them and of their ratios, and what was refused. */
export function compareRates(comparison: RateComparison): Outcome {
  const { ours, baseline, atLeast, worth = 1, unit = '/s' } = comparison;
  const oursRates = ours.map(({ sample }) => sample.rate * worth);
  const baselineRates = baseline.map(({ rate }) => rate);
  const pairs = oursRates.map((rate, round) => rate / (baselineRates[round] ?? Number.NaN));
  const ratio = median(pairs);
  const failures = describeFailures(sumFailures(baseline));
  const last = ours.at(-1);
  const cost = baseline.at(-1)?.cost;
  return {
    ours: formatSpread(oursRates, unit),
    baseline: formatSpread(baselineRates, unit),
    ratio: `${formatNumber(ratio)} × (${formatRange(pairs)})`,
    checks: [
      { says: `${formatNumber(ratio)} × of ≥ ${atLeast} ×`, passed: ratio >= atLeast },
      noneRefused(ours),
      ...(comparison.checks ?? []),
    ],
    notes: [
      ...(last === undefined ? [] : [describeObservation(last)]),
      ...(cost === undefined ? [] : [`one change of the baseline: ${describeCost(cost)}`]),
      ...(failures === '' ? [] : [`the baseline refused: ${failures}`]),
      ...(comparison.notes ?? []),
    ],
    details: { ours, baseline },
  };
}

/** Every request has to succeed: a refused one is quick, and would make us look fast. */
export function noneRefused(ours: readonly Observation[]): Check {
  const failures = describeFailures(sumFailures(ours.map(({ sample }) => sample)));
  return failures === ''
    ? { says: 'no request refused', passed: true }
    : { says: `refused: ${failures}`, passed: false };
}
