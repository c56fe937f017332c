import type { Equipment } from '../equipment.ts';
import { percentile, formatNumber } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { openShop, type Shop } from '../shop.ts';
import { fillHistory } from './history.ts';

const pageSize = 100;
const limitMs = 50;

/** A page as a source brings it: 100 figures that differ from ours, so 100 commands, one commit. */
export const sourcePage: Workload = {
  name: 'source-page',
  title: 'a delta page of 100 changes, 1 million levels',
  against: '–',
  bar: 'p50 ≤ 50 ms',
  async run({ lab }: Equipment) {
    const { scale } = lab;
    const shop = await openShop(lab, 'bench_page', { fill: (url) => fillHistory(url, scale) });
    try {
      await shop.call('PUT', '/api/sources/erp', { kind: 'push', owns: [{ quantity: 'onHand' }] });
      const pages = scale.quick ? 40 : 400;
      for (let page = 0; page < 20; page += 1) await pushPage(shop, scale.historyLevels, page);
      const took: number[] = [];
      for (let page = 0; page < pages; page += 1) {
        const startedAt = performance.now();
        await pushPage(shop, scale.historyLevels, 20 + page);
        took.push(performance.now() - startedAt);
      }
      const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
      return {
        ours: `p50 ${formatNumber(p50)} ms, p99 ${formatNumber(p99)} ms`,
        baseline: '–',
        ratio: '–',
        checks: [{ says: `${formatNumber(p50)} ms of ≤ ${limitMs} ms`, passed: p50 <= limitMs }],
        notes: [
          'over HTTP, from the request to the answer, one page after the other',
          ...(scale.quick ? [`scaled down: ${scale.historyLevels} levels`] : []),
        ],
        details: { took },
      };
    } finally {
      await shop.close();
    }
  },
};

/** Pushes a page about SKUs that lie scattered among all levels. */
async function pushPage(shop: Shop, levels: number, page: number): Promise<void> {
  const observedAt = new Date().toISOString();
  const items = Array.from({ length: pageSize }, (_, index) => {
    // A prime, so that the pages go through all levels and none has a SKU twice.
    const number = 1 + (((page * pageSize + index) * 7_919) % levels);
    const value = 1_000 + page;
    const sku = `SKU-${number}`;
    return { id: `${page}-${index}`, sku, storeId: 'main', quantity: 'onHand', value, observedAt };
  });
  const run = await shop.call<{ applied: number }>('POST', '/api/sources/erp/changes', {
    items: items.map((item) => ({ op: 'set', ...item })),
  });
  if (run.applied !== pageSize) throw new Error(`a page was not applied: ${JSON.stringify(run)}`);
}
