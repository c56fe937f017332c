import { oneSku } from '../equipment.ts';
import { runHttpLoad } from '../load/http-load.ts';
import { alternate } from '../measure/alternate.ts';
import type { Workload } from '../report/row.ts';
import { compareRates, loadPostgres, loadShop } from './compare.ts';

const hot = { request: 'adjust', skus: oneSku, connections: 64 } as const;
const title = 'adjust, ONE SKU, 64 connections';

export const adjustOne: Workload = {
  name: 'adjust-one',
  title,
  against: 'pgbench',
  bar: '≥ 6 ×',
  async run(equipment) {
    const shop = await equipment.shop();
    const best = await (await equipment.sql()).bestClients(oneSku);
    const { ours, baseline } = await alternate(equipment.lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, hot),
      baseline: () => loadPostgres(equipment, oneSku, best),
    });
    const notes = [`pgbench was fastest with ${best} clients`];
    return compareRates({ ours, baseline, atLeast: 6, notes });
  },
};

export const adjustOneNaive: Workload = {
  name: 'adjust-one-naive',
  title,
  against: 'naive',
  bar: '≥ 15 ×, no request refused for contention',
  async run(equipment) {
    const { lab } = equipment;
    const shop = await equipment.shop();
    const { url } = await equipment.naive();
    const seconds = lab.scale.baselineSeconds;
    const load = { ...hot, url, apiKey: '-', seconds, tellApart: true };
    const { ours, baseline } = await alternate(lab.scale.rounds, {
      ours: () => loadShop(equipment, shop, hot),
      baseline: () => runHttpLoad(load, lab.tools),
    });
    return compareRates({ ours, baseline, atLeast: 15 });
  },
};
