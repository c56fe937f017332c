import { setTimeout } from 'node:timers/promises';
import { manySkus } from '../equipment.ts';
import { describeFailures, runHttpLoad } from '../load/http-load.ts';
import { readDeadTuples, type DeadTuples } from '../measure/database-figures.ts';
import { describeObservation, observe } from '../measure/observe.ts';
import { readRssMb } from '../measure/process-figures.ts';
import { formatNumber, mean } from '../measure/statistics.ts';
import type { Check, Workload } from '../report/row.ts';
import { countLevels, openShop, type Shop } from '../shop.ts';

type Sample = {
  /** Share of the time that has passed, 0 … 1. */
  readonly at: number;
  readonly rssMb: number;
  readonly dead: readonly DeadTuples[];
};

/** The second of ten minutes: until then caches fill and code is compiled. */
const settledAt = 0.2;
/** What garbage collection leaves to chance; in some seconds memory has not settled yet. */
const rssGrowth = { full: 1.1, quick: 1.5 };
/** Autovacuum comes every 20 s; a table below this has had too few changes to need it. */
const fewDead = 100_000;

export const soak: Workload = {
  name: 'soak',
  title: '10 minutes of adjusts',
  against: '–',
  bar: 'service RSS flat after the second minute, dead tuples of hot tables bounded',
  async run({ lab }) {
    const { quick, soakSeconds } = lab.scale;
    const shop = await openShop(lab, 'bench_soak');
    try {
      await countLevels(shop, { count: manySkus.count });
      const { url } = shop.service;
      const load = { request: 'adjust', skus: manySkus, connections: 64 } as const;
      const all = { ...load, url, apiKey: shop.apiKey, seconds: soakSeconds };
      const sampling = sampleUntilDone(shop, soakSeconds);
      const seen = await observe(shop, () => runHttpLoad(all, lab.tools));
      const samples = await sampling;
      const settled = samples.filter(({ at }) => at >= settledAt);
      const rss = settled.map(({ rssMb }) => rssMb);
      const failures = describeFailures(seen.sample.failures);
      return {
        ours: `${formatNumber(Math.min(...rss))}–${formatNumber(Math.max(...rss))} MB`,
        baseline: '–',
        ratio: '–',
        checks: [
          checkMemory(settled, quick ? rssGrowth.quick : rssGrowth.full),
          ...checkDeadTuples(settled),
          { says: failures === '' ? 'no request refused' : failures, passed: failures === '' },
        ],
        notes: [
          `${formatNumber(seen.sample.rate)} adjusts/s; ${describeObservation(seen)}`,
          ...(quick ? [`scaled down: ${soakSeconds} s, too short to judge by`] : []),
        ],
        details: { seen, samples },
      };
    } finally {
      await shop.close();
    }
  },
};

async function sampleUntilDone(shop: Shop, seconds: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const everyMs = Math.max(1_000, (seconds * 1000) / 120);
  for (;;) {
    await setTimeout(everyMs);
    const at = (performance.now() - startedAt) / 1000 / seconds;
    if (at > 1) return samples;
    const rssMb = await readRssMb(shop.service.process.pid);
    samples.push({ at, rssMb, dead: await readDeadTuples(shop.connectionString) });
  }
}

/** Flat: the last quarter holds no more than the first, but for what the collector leaves. */
function checkMemory(settled: readonly Sample[], growth: number): Check {
  const quarter = Math.max(1, Math.floor(settled.length / 4));
  const before = mean(settled.slice(0, quarter).map(({ rssMb }) => rssMb));
  const after = mean(settled.slice(-quarter).map(({ rssMb }) => rssMb));
  return {
    says: `RSS ${formatNumber(before)} → ${formatNumber(after)} MB`,
    passed: after <= before * growth,
  };
}

/** Bounded: autovacuum brings them down again and again, so the second half has no higher peak. */
function checkDeadTuples(settled: readonly Sample[]): Check[] {
  const middle = Math.floor(settled.length / 2);
  const tables = new Set(settled.flatMap(({ dead }) => dead.map(({ table }) => table)));
  return [...tables].flatMap((table) => {
    const peak = (samples: readonly Sample[]): number =>
      Math.max(0, ...samples.map(({ dead }) => dead.find((d) => d.table === table)?.dead ?? 0));
    const [before, after] = [peak(settled.slice(0, middle)), peak(settled.slice(middle))];
    if (Math.max(before, after) < 1_000) return [];
    const says = `${table} at most ${formatNumber(before)} → ${formatNumber(after)} dead`;
    return [{ says, passed: after <= Math.max(before * 1.5, fewDead) }];
  });
}
