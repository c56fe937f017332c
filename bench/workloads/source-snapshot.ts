import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manySkus, warmUp, type Equipment } from '../equipment.ts';
import { runPacedLoad } from '../load/paced-adjusts.ts';
import { formatNumber, median } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { openShop, type Shop } from '../shop.ts';
import { fillHistory } from './history.ts';

const perSecond = 200;
const limitSeconds = 60;

type Run = { readonly status: string; readonly applied: number };

/** A nightly file of every SKU, loaded while shoppers go on. */
export const sourceSnapshot: Workload = {
  name: 'source-snapshot',
  title: 'a full snapshot of 100,000 items while 200 adjusts/s go on, 1 million levels',
  against: 'the adjusts undisturbed',
  bar: 'loaded in ≤ 60 s; p99 of the adjusts ≤ 2 ×',
  async run({ lab }: Equipment) {
    const { scale } = lab;
    const items = Math.min(100_000, scale.historyLevels);
    const shop = await openShop(lab, 'bench_full', { fill: (url) => fillHistory(url, scale) });
    try {
      await writeFeed(shop, items);
      await shop.call('PUT', '/api/sources/erp', {
        kind: 'csv',
        mode: 'full',
        config: { path: 'all.csv', storeId: 'main', quantity: 'onHand' },
        owns: [{ quantity: 'onHand' }],
        intervalMinutes: 525_600,
        enabled: false,
      });
      await warmUp(lab, shop.service, shop.apiKey);
      // About as many as there are while the file is loaded.
      const before = await loadWhile(shop, scale.quick ? 3 : 10);
      // Enabled, a source is read at once: until then it must not be.
      await shop.call('PUT', '/api/sources/erp', {
        kind: 'csv',
        mode: 'full',
        config: { path: 'all.csv', storeId: 'main', quantity: 'onHand' },
        owns: [{ quantity: 'onHand' }],
        intervalMinutes: 525_600,
      });
      const startedAt = performance.now();
      const loading = waitForRun(shop).then((run) => ({
        run,
        seconds: (performance.now() - startedAt) / 1000,
      }));
      const meanwhile = await loadWhile(shop, 1, loading);
      const { run, seconds } = await loading;
      const share = median(meanwhile) / median(before);
      return {
        ours: `${formatNumber(seconds)} s; p99 ${formatNumber(median(meanwhile))} ms`,
        baseline: `p99 ${formatNumber(median(before))} ms`,
        ratio: `${formatNumber(share)} ×`,
        checks: [
          { says: `${run.status}, ${run.applied} applied`, passed: run.status === 'succeeded' },
          { says: `${formatNumber(seconds)} s of ≤ 60 s`, passed: seconds <= limitSeconds },
          { says: `p99 ${formatNumber(share)} × of ≤ 2 ×`, passed: share <= 2 },
        ],
        notes: scale.quick ? [`scaled down: ${items} items, ${scale.historyLevels} levels`] : [],
        details: { before, meanwhile, run, seconds },
      };
    } finally {
      await shop.close();
    }
  },
};

/** What the service reads: every SKU with a figure that differs from ours. */
async function writeFeed(shop: Shop, items: number): Promise<void> {
  const folder = join(shop.folder, 'data', 'feeds');
  await mkdir(folder, { recursive: true });
  const rows = Array.from({ length: items }, (_, index) => `${index + 1},SKU-${index + 1},1000000`);
  await writeFile(join(folder, 'all.csv'), ['id,sku,value', ...rows, ''].join('\n'));
}

/** The p99 of adjusts at a steady rate, of two seconds at a time, until something is over. */
async function loadWhile(
  shop: Shop,
  atLeast: number,
  until: Promise<unknown> = Promise.resolve(),
): Promise<number[]> {
  const ending = { isOver: false };
  const over = until.finally(() => (ending.isOver = true));
  over.catch(() => undefined);
  const load = { request: 'adjust', skus: manySkus, connections: 16, seconds: 2 } as const;
  const found: number[] = [];
  do {
    const { url } = shop.service;
    const sample = await runPacedLoad({ ...load, url, apiKey: shop.apiKey }, perSecond);
    if (sample.failed > 0) throw new Error(`${sample.failed} adjusts failed`);
    found.push(sample.p99Ms);
  } while (!ending.isOver || found.length < atLeast);
  return found;
}

async function waitForRun(shop: Shop): Promise<Run> {
  for (;;) {
    const { items } = await shop.call<{ items: Run[] }>('GET', '/api/sync/runs?sourceId=erp');
    const run = items.find(({ status }) => status !== 'running');
    if (run !== undefined) return run;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
