import { manySkus } from '../equipment.ts';
import { runHttpLoad } from '../load/http-load.ts';
import { alternate } from '../measure/alternate.ts';
import type { Workload } from '../report/row.ts';
import { compareRates, loadShop } from './compare.ts';

export const getLevel: Workload = {
  name: 'get-level',
  title: '`GET` one level, 64 connections',
  against: 'the same Hono server answering a constant',
  bar: '≥ 0.5 ×',
  async run(equipment) {
    const { lab } = equipment;
    const shop = await equipment.shop();
    const { url } = await equipment.constant();
    const load = { request: 'get-level', skus: manySkus, connections: 64 } as const;
    const constant = { ...load, url, apiKey: '-' };
    await runHttpLoad({ ...constant, seconds: lab.scale.warmUpSeconds }, lab.tools);
    await loadShop(equipment, shop, { ...load, seconds: lab.scale.warmUpSeconds });
    const { ours, baseline } = await alternate(lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, load),
      baseline: () => runHttpLoad({ ...constant, seconds: lab.scale.baselineSeconds }, lab.tools),
    });
    return compareRates({ ours, baseline, atLeast: 0.5 });
  },
};
