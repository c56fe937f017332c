import { manySkus } from '../equipment.ts';
import { alternate } from '../measure/alternate.ts';
import { describeObservation } from '../measure/observe.ts';
import { formatNumber, formatSpread, median } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { loadPostgres, loadShop, noneRefused } from './compare.ts';

/** Coalescing must not make a lone request wait for company. */
export const loneClient: Workload = {
  name: 'lone-client',
  title: 'one lone client, adjust',
  against: 'pgbench, 1 client',
  bar: 'p50 ≤ its p50 + 1 ms',
  async run(equipment) {
    const shop = await equipment.shop();
    const load = { request: 'adjust', skus: manySkus, connections: 1 } as const;
    const { ours, baseline } = await alternate(equipment.lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, load),
      baseline: () => loadPostgres(equipment, manySkus, 1),
    });
    const oursMs = ours.map(({ sample }) => sample.p50Ms);
    const baselineMs = baseline.map(({ p50Ms }) => p50Ms);
    const more = median(oursMs.map((ms, round) => ms - (baselineMs[round] ?? Number.NaN)));
    const last = ours.at(-1);
    return {
      ours: formatSpread(oursMs, ' ms'),
      baseline: formatSpread(baselineMs, ' ms'),
      ratio: `+ ${formatNumber(more)} ms`,
      checks: [
        { says: `+ ${formatNumber(more)} ms of ≤ 1 ms`, passed: more <= 1 },
        noneRefused(ours),
      ],
      notes: last === undefined ? [] : [describeObservation(last)],
      details: { ours, baseline },
    };
  },
};
