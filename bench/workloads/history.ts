import { readFile } from 'node:fs/promises';
import { migrateToLatest } from '../../src/db/index.ts';
import { manySkus, type Equipment } from '../equipment.ts';
import { query } from '../lab.ts';
import { runHttpLoad, type SkuChoice } from '../load/http-load.ts';
import { alternate } from '../measure/alternate.ts';
import type { Scale } from '../options.ts';
import type { Workload } from '../report/row.ts';
import { countLevels, openShop, plenty, type Shop } from '../shop.ts';
import { compareRates, loadShop } from './compare.ts';

/** The same 10,000 SKUs are sold; here they lie scattered among a million. */
export const history: Workload = {
  name: 'history',
  title: '10 million ledger entries and 1 million levels already there',
  against: 'the same on an empty database',
  bar: '≥ 0.85 ×',
  async run(equipment) {
    const { lab } = equipment;
    const { scale } = lab;
    const stride = scale.historyLevels / manySkus.count;
    const scattered: SkuChoice = { ...manySkus, stride };
    const old = await openShop(lab, 'bench_old', { fill: (url) => fillHistory(url, scale) });
    const fresh = await openShop(lab, 'bench_fresh');
    try {
      // Both have been through each of their SKUs once: a service reads a level when it meets it
      // first, and remembers it.
      await countLevels(fresh, { count: manySkus.count });
      await countLevels(old, { count: manySkus.count, stride });
      await loadFor(equipment, fresh, manySkus);
      await loadFor(equipment, old, scattered);
      const load = {
        request: 'adjust',
        connections: 64,
        // Both sides are ours: they are measured alike.
        seconds: scale.baselineSeconds,
      } as const;
      const { ours, baseline } = await alternate(scale.rounds, {
        ours: () => loadShop(equipment, old, { ...load, skus: scattered }),
        baseline: () => loadShop(equipment, fresh, { ...load, skus: manySkus }),
      });
      const entries = scale.historyLevels * scale.historyEntries;
      const size = `${entries} entries and ${scale.historyLevels} levels`;
      return compareRates({
        ours,
        baseline: baseline.map(({ sample, cost }) => ({ ...sample, cost })),
        atLeast: 0.85,
        notes: scale.quick ? [`scaled down: ${size}`] : [],
      });
    } finally {
      await fresh.close();
      await old.close();
    }
  },
};

/** A shop that has been selling for long: its levels and their ledger. */
export async function fillHistory(connectionString: string, scale: Scale): Promise<void> {
  await migrateToLatest(connectionString);
  const url = new URL('../baselines/fill-history.sql', import.meta.url);
  const text = (await readFile(url, 'utf8'))
    .replaceAll('$levels', String(scale.historyLevels))
    .replaceAll('$entries', String(scale.historyEntries))
    .replaceAll('$plenty', String(plenty));
  await query(connectionString, text);
  await query(connectionString, 'vacuum analyze');
  // Else the first rounds would write down what filling left behind.
  await query(connectionString, 'checkpoint');
}

/** Warms a shop up on the SKUs it is going to sell. */
async function loadFor({ lab }: Equipment, shop: Shop, skus: SkuChoice): Promise<void> {
  const { url } = shop.service;
  const load = { request: 'adjust', skus, connections: 64 } as const;
  const seconds = lab.scale.warmUpSeconds;
  await runHttpLoad({ ...load, url, apiKey: shop.apiKey, seconds }, lab.tools);
}
