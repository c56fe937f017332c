import { setTimeout } from 'node:timers/promises';
import { startReceiver, type ChannelReceiver } from '../channel-receiver.ts';
import { deadWays, openDeadEnd, type DeadWay } from '../dead-end.ts';
import type { Equipment } from '../equipment.ts';
import type { SkuChoice } from '../load/http-load.ts';
import { runPacedLoad, type PacedSample } from '../load/paced-adjusts.ts';
import { alternate } from '../measure/alternate.ts';
import { formatNumber, formatSpread, mean, median } from '../measure/statistics.ts';
import type { ChannelReport } from '../receiver.ts';
import type { Check, Workload } from '../report/row.ts';
import { countLevels, openShop, settle, type Shop } from '../shop.ts';

const living = ['alive-a', 'alive-b', 'alive-c'];
const dead = 'dead';
const skus: SkuChoice = { kind: 'uniform', count: 1_000 };
const perSecond = 200;
/** Calls that hang are given up after so long. */
const timeoutMs = 5_000;
const mostRatio = 1.2;
/** Of each side in each round, in the full run. */
const windows = 3;
const windowSeconds = 2;

type Side = 'all alive' | DeadWay;
const sides: readonly Side[] = ['all alive', ...deadWays];

type Run = {
  readonly sample: PacedSample;
  readonly reports: Readonly<Record<string, ChannelReport>>;
};

/** Every SKU is listed on all channels. The dead one is off in the runs without it. */
export const deadVendor: Workload = {
  name: 'dead-vendor',
  title: `${perSecond} adjusts/s steady, 3 webhook channels, a fourth is dead in three ways`,
  against: 'the same without the fourth',
  bar: 'sync lag p99 of each of the three ≤ 1.2 × the same without',
  async run(equipment) {
    const shop = await openShop(equipment.lab, 'bench_dead');
    const receiver = await startReceiver(shop.folder);
    try {
      await countLevels(shop, { count: skus.count });
      for (const channel of living) await receiver.addChannel(shop, channel);
      const goal = { version: 1, listings: skus.count };
      for (const channel of living) await receiver.waitFor(channel, goal, 60_000);
      const measure = (side: Side) => () => measureSide(equipment, { shop, receiver }, side);
      const { quick, rounds: wanted } = equipment.lab.scale;
      const rounds = await alternate<Record<Side, Run[]>>(quick ? 1 : wanted, {
        'all alive': measure('all alive'),
        refuses: measure('refuses'),
        hangs: measure('hangs'),
        'answers 503': measure('answers 503'),
      });
      return outcomeOf(
        {
          'all alive': rounds['all alive'].flat(),
          refuses: rounds.refuses.flat(),
          hangs: rounds.hangs.flat(),
          'answers 503': rounds['answers 503'].flat(),
        },
        equipment.lab.scale.quick,
      );
    } finally {
      await receiver.stop();
      await shop.close();
    }
  },
};

async function measureSide(
  { lab }: Equipment,
  { shop, receiver }: { readonly shop: Shop; readonly receiver: ChannelReceiver },
  side: Side,
): Promise<Run[]> {
  const end = side === 'all alive' ? undefined : await openDeadEnd(side);
  const channel = (url: string, enabled: boolean): Promise<unknown> =>
    shop.call('PUT', `/api/channels/${dead}`, {
      kind: 'webhook',
      config: { url },
      timeoutMs,
      enabled,
    });
  try {
    if (end !== undefined) await channel(end.url, true);
    const { url } = shop.service;
    const load = { request: 'adjust', url, apiKey: shop.apiKey, skus, connections: 16 } as const;
    // Meanwhile the channel gets all its listings, and is found to be dead.
    await runPacedLoad({ ...load, seconds: lab.scale.warmUpSeconds + 1 }, perSecond);
    const runs: Run[] = [];
    // Short windows in many rounds: the p99 of each is the worst moment that the disk has in it.
    for (let window = 1; window <= (lab.scale.quick ? 1 : windows); window += 1) {
      await receiver.reset();
      const sample = await runPacedLoad({ ...load, seconds: windowSeconds }, perSecond);
      // The last changes are still on their way.
      await setTimeout(1_000);
      runs.push({ sample, reports: await receiver.report() });
    }
    return runs;
  } finally {
    if (end !== undefined) await channel(end.url, false);
    await end?.close();
    await settle(shop, lab.scale.settleMs);
  }
}

function outcomeOf(runs: Record<Side, Run[]>, isQuick: boolean) {
  const p99 = (side: Side, channel: string): number[] => {
    return runs[side].map(({ reports }) => reports[channel]?.p99Ms ?? Number.NaN);
  };
  const ratios = deadWays.map((way) => ({
    way,
    // Of the channel that fares worst.
    ratio: Math.max(
      ...living.map((channel) => median(p99(way, channel)) / median(p99('all alive', channel))),
    ),
  }));
  const all = (side: Side): string => {
    const of = (name: 'p50Ms' | 'p99Ms'): number[] =>
      runs[side].flatMap(({ reports }) => living.map((one) => reports[one]?.[name] ?? Number.NaN));
    return `${formatNumber(median(of('p50Ms')))} / ${formatNumber(median(of('p99Ms')))} ms`;
  };
  return {
    ours: deadWays.map((way) => `${way} ${all(way)}`).join(' · '),
    baseline: all('all alive'),
    ratio: ratios.map(({ way, ratio }) => `${way} ${formatNumber(ratio)}`).join(' · '),
    checks: [
      ...ratios.map(({ way, ratio }): Check => {
        const says = `${way}: p99 is ${formatNumber(ratio)} × that without`;
        return { says, passed: ratio <= mostRatio };
      }),
      ...sides.map((side) => kept(side, runs[side])),
    ],
    notes: [
      'p50 / p99 from the record of a change to its arrival, medians of windows and channels',
      ...sides.flatMap((side) =>
        living.map((channel) => {
          const p50 = runs[side].map(({ reports }) => reports[channel]?.p50Ms ?? Number.NaN);
          const spread = `${formatSpread(p50, ' ms')} / ${formatSpread(p99(side, channel), ' ms')}`;
          return `${side}, ${channel}: ${spread}`;
        }),
      ),
      ...(isQuick ? ['scaled down: short rounds'] : []),
    ],
    details: runs,
  };
}

/** Everything came in order, and over all windows the load was what it should be. */
function kept(side: Side, runs: readonly Run[]): Check {
  const rate = mean(runs.map(({ sample }) => sample.rate));
  const failed = runs.reduce((sum, { sample }) => sum + sample.failed, 0);
  const bad = living.filter((channel) =>
    runs.some(({ reports }) => {
      const report = reports[channel];
      return report === undefined || report.changes === 0 || report.wentBack > 0;
    }),
  );
  const says = `${side}: ${formatNumber(rate)} adjusts/s, ${failed} failed`;
  return {
    says: bad.length === 0 ? says : `${says}; nothing came, or went back: ${bad.join(', ')}`,
    passed: failed === 0 && rate >= perSecond * 0.95 && bad.length === 0,
  };
}
