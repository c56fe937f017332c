import { manySkus } from '../equipment.ts';
import { alternate } from '../measure/alternate.ts';
import { formatNumber, median } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { compareRates, loadPostgres, loadShop } from './compare.ts';

const connections = 64;

export const adjustMany: Workload = {
  name: 'adjust-many',
  title: 'adjust, 10,000 SKUs, 64 connections',
  against: 'pgbench',
  bar: '≥ 1.2 × its changes/s; p99 no worse than with 64 clients',
  async run(equipment) {
    const shop = await equipment.shop();
    const best = await (await equipment.sql()).bestClients(manySkus);
    const { ours, with64, fastest } = await alternate(equipment.lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, { request: 'adjust', skus: manySkus, connections }),
      with64: () => loadPostgres(equipment, manySkus, connections),
      // Where 64 clients are the fastest, the same run answers both questions.
      fastest: async () =>
        best === connections ? undefined : await loadPostgres(equipment, manySkus, best),
    });
    const baseline = best === connections ? with64 : fastest.flatMap((sample) => sample ?? []);
    const p99 = median(ours.map(({ sample }) => sample.p99Ms));
    const theirs = median(with64.map((sample) => sample.p99Ms));
    const says = `p99 ${formatNumber(p99)} ms of ≤ ${formatNumber(theirs)} ms`;
    return compareRates({
      ours,
      baseline,
      atLeast: 1.2,
      checks: [{ says, passed: p99 <= theirs }],
      notes: [`pgbench was fastest with ${best} clients`],
    });
  },
};
