import { zipfSkus, warmUp } from '../equipment.ts';
import { runHttpLoad, type LoadSample } from '../load/http-load.ts';
import { alternate } from '../measure/alternate.ts';
import { observe } from '../measure/observe.ts';
import type { Workload } from '../report/row.ts';
import { settle } from '../shop.ts';
import { compareRates, loadPostgres } from './compare.ts';

/** Both processes write the same 20 rows, so their batches meet at the compare-and-swap. */
export const adjustZipf: Workload = {
  name: 'adjust-zipf',
  title: 'adjust, 20 SKUs by Zipf s=1.1, 64 connections, two service processes',
  against: 'pgbench',
  bar: '≥ 2 ×, no deadlock, no 5xx',
  async run(equipment) {
    const { lab } = equipment;
    const shop = await equipment.shop();
    const best = await (await equipment.sql()).bestClients(zipfSkus);
    const second = await shop.startAnother();
    try {
      await warmUp(lab, second, shop.apiKey);
      const load = { request: 'adjust', skus: zipfSkus, connections: 32 } as const;
      const all = { ...load, apiKey: shop.apiKey, seconds: lab.scale.oursSeconds };
      const loadBoth = async (): Promise<LoadSample> => {
        const urls = [shop.service.url, second.url];
        const [a, b] = await Promise.all(
          urls.map((url) => runHttpLoad({ ...all, url }, lab.tools)),
        );
        if (a === undefined || b === undefined) throw new Error('a load generator is missing');
        return together(a, b);
      };
      const { ours, baseline } = await alternate(lab.scale.rounds, {
        ours: async () => {
          const seen = await observe(shop, loadBoth);
          return { ...seen, unrelayed: await settle(shop, lab.scale.settleMs) };
        },
        baseline: () => loadPostgres(equipment, zipfSkus, best),
      });
      const deadlocks = ours.reduce((sum, seen) => sum + seen.deadlocks, 0);
      return compareRates({
        ours,
        baseline,
        atLeast: 2,
        checks: [{ says: `${deadlocks} deadlocks`, passed: deadlocks === 0 }],
        notes: [`pgbench was fastest with ${best} clients; batches and CPU are one process's`],
      });
    } finally {
      await second.stop();
    }
  },
};

/** Two generators that ran at the same time; the slower half decides about latency. */
function together(a: LoadSample, b: LoadSample): LoadSample {
  const names = Object.keys(a.failures) as (keyof LoadSample['failures'])[];
  const failures = Object.fromEntries(
    names.map((name) => [name, a.failures[name] + b.failures[name]]),
  ) as LoadSample['failures'];
  return {
    rate: a.rate + b.rate,
    p50Ms: Math.max(a.p50Ms, b.p50Ms),
    p99Ms: Math.max(a.p99Ms, b.p99Ms),
    seconds: Math.max(a.seconds, b.seconds),
    failures,
  };
}
