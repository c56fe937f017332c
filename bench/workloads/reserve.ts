import { manySkus } from '../equipment.ts';
import { alternate } from '../measure/alternate.ts';
import type { Workload } from '../report/row.ts';
import { compareRates, loadPostgres, loadShop } from './compare.ts';

export const reserve: Workload = {
  name: 'reserve',
  title: 'reserve 3 lines (one order), 10,000 SKUs',
  against: 'pgbench',
  bar: '≥ 0.5 × its changes/s in orders/s',
  async run(equipment) {
    const shop = await equipment.shop();
    const load = { request: 'reserve', skus: manySkus, lines: 3, connections: 64 } as const;
    const { ours, baseline } = await alternate(equipment.lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, load),
      baseline: () => loadPostgres(equipment, manySkus),
    });
    return compareRates({ ours, baseline, atLeast: 0.5 });
  },
};
