import { manySkus } from '../equipment.ts';
import { alternate } from '../measure/alternate.ts';
import type { Workload } from '../report/row.ts';
import { compareRates, loadPostgres, loadShop } from './compare.ts';

const perRequest = 500;

/** Eight connections: a feed or two, not sixty-four of them. */
export const mutations: Workload = {
  name: 'mutations',
  title: '`POST /api/mutations`, 500 each',
  against: 'pgbench',
  bar: '≥ 2.5 × in mutations/s',
  async run(equipment) {
    const shop = await equipment.shop();
    const load = { request: 'mutations', skus: manySkus, lines: perRequest } as const;
    const { ours, baseline } = await alternate(equipment.lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, { ...load, connections: 8 }),
      baseline: () => loadPostgres(equipment, manySkus),
    });
    return compareRates({ ours, baseline, atLeast: 2.5, worth: perRequest });
  },
};
