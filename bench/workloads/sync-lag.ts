import { setTimeout } from 'node:timers/promises';
import { startReceiver, type ChannelReceiver } from '../channel-receiver.ts';
import type { Equipment } from '../equipment.ts';
import type { SkuChoice } from '../load/http-load.ts';
import { runPacedLoad, type PacedSample } from '../load/paced-adjusts.ts';
import { quantileBetween, scrape } from '../measure/scrape.ts';
import { formatNumber } from '../measure/statistics.ts';
import type { ChannelReport } from '../receiver.ts';
import type { Check, Outcome, Workload } from '../report/row.ts';
import { countLevels, openShop, type Shop } from '../shop.ts';

const channels = ['lag-a', 'lag-b', 'lag-c'];
const perSecond = 1_000;
const p50LimitMs = 60;
const p99LimitMs = 500;

/** All SKUs (10,000 in a full run) are on each channel, so each change has to reach three. */
export const syncLag: Workload = {
  name: 'sync-lag',
  title: '1,000 adjusts/s steady for 60 s, 3 webhook channels',
  against: '–',
  bar: 'sync lag p50 ≤ 60 ms, p99 ≤ 500 ms on each channel',
  async run(equipment) {
    const shop = await openShop(equipment.lab, 'bench_lag');
    const receiver = await startReceiver(shop.folder);
    try {
      const count = equipment.lab.scale.lagSkus;
      await countLevels(shop, { count });
      for (const channel of channels) await receiver.addChannel(shop, channel);
      const goal = { version: 1, listings: count };
      for (const channel of channels) await receiver.waitFor(channel, goal, 60_000);
      return await measure(equipment, shop, receiver);
    } finally {
      await receiver.stop();
      await shop.close();
    }
  },
};

async function measure(
  { lab }: Equipment,
  shop: Shop,
  receiver: ChannelReceiver,
): Promise<Outcome> {
  const { url } = shop.service;
  const skus: SkuChoice = { kind: 'uniform', count: lab.scale.lagSkus };
  const common = { url, apiKey: shop.apiKey, skus, connections: 64 };
  const load = { ...common, request: 'adjust' } as const;
  await runPacedLoad({ ...load, seconds: lab.scale.warmUpSeconds }, perSecond);
  await setTimeout(2_000);
  await receiver.reset();
  const before = await scrape(url);
  const sample = await runPacedLoad({ ...load, seconds: lab.scale.lagSeconds }, perSecond);
  // The last changes are still on their way.
  await setTimeout(2_000);
  const after = await scrape(url);
  const reports = await receiver.report();
  const metrics = channels.map((channel) => {
    const [p50, p99] = [0.5, 0.99].map((share) => {
      const labels = `channel="${channel}"`;
      return (
        1000 * quantileBetween(before, after, { name: 'onhand_sync_lag_seconds', labels, share })
      );
    });
    return `${channel} ${formatNumber(p50 ?? Number.NaN)} / ${formatNumber(p99 ?? Number.NaN)} ms`;
  });
  return {
    ours: channels.map((channel) => describeLag(reports[channel])).join(' · '),
    baseline: '–',
    ratio: '–',
    checks: [...channels.flatMap((channel) => checkLag(channel, reports[channel])), keptUp(sample)],
    notes: [
      'p50 / p99 for each channel, from the record of a change to its arrival',
      `/metrics, to the acknowledgement, within its buckets: ${metrics.join(', ')}`,
      `the adjusts took ${formatNumber(sample.p50Ms)} / ${formatNumber(sample.p99Ms)} ms`,
      ...(lab.scale.quick
        ? [`scaled down: ${lab.scale.lagSeconds} s, ${lab.scale.lagSkus} SKUs`]
        : []),
    ],
    details: { sample, reports },
  };
}

function describeLag(report: ChannelReport | undefined): string {
  if (report === undefined) return 'nothing came';
  return `${formatNumber(report.p50Ms)} / ${formatNumber(report.p99Ms)} ms`;
}

function checkLag(channel: string, report: ChannelReport | undefined): Check[] {
  if (report === undefined || report.changes === 0) {
    return [{ says: `${channel}: nothing came`, passed: false }];
  }
  const { p50Ms, p99Ms, wentBack, changes, calls } = report;
  const says = `${channel}: ${formatNumber(p50Ms)} / ${formatNumber(p99Ms)} ms`;
  return [
    {
      says: `${says}, ${changes} in ${calls} calls`,
      passed: p50Ms <= p50LimitMs && p99Ms <= p99LimitMs,
    },
    ...(wentBack > 0 ? [{ says: `${channel}: ${wentBack} went back`, passed: false }] : []),
  ];
}

/** Lag at a lower rate than asked for would say nothing. */
function keptUp({ rate, failed, sent }: PacedSample): Check {
  const says = `${formatNumber(rate)} adjusts/s, ${failed} of ${sent} failed`;
  return { says, passed: failed === 0 && rate >= perSecond * 0.98 };
}
