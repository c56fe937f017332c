import { setTimeout } from 'node:timers/promises';
import { startReceiver, type ChannelReceiver } from '../channel-receiver.ts';
import { manySkus, warmUp, type Equipment } from '../equipment.ts';
import { runHttpLoad } from '../load/http-load.ts';
import { readEntryNumber } from '../measure/database-figures.ts';
import { formatNumber, formatSpread, median } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { countLevels, openShop, settle, type Shop } from '../shop.ts';

const channel = 'backlog';
const drainTimeoutMs = 120_000;

type Round = {
  readonly listings: number;
  readonly drainSeconds: number;
  /** Adjusts for each second before the channel was resumed, and while it caught up. */
  readonly undisturbed: number;
  readonly meanwhile: number;
  readonly complete: boolean;
};

/**
 * The listings of the channel stand in one store and the adjusts go to another: what is drained is
 * the backlog alone, and the adjusts pay for nothing but the neighbour.
 */
export const backlog: Workload = {
  name: 'backlog',
  title: 'backlog: 100,000 changed listings on one channel that answers at once',
  against: 'adjusts undisturbed',
  bar: 'drained at ≥ 10,000 listings/s, adjusts meanwhile at ≥ 0.7 × their undisturbed rate',
  async run(equipment) {
    const { lab } = equipment;
    const shop = await openShop(lab, 'bench_backlog');
    const receiver = await startReceiver(shop.folder);
    const listings = lab.scale.backlogListings;
    try {
      await shop.call('PUT', '/api/stores/backlog', {});
      await countLevels(shop, { count: manySkus.count });
      await countLevels(shop, { storeId: 'backlog', count: listings });
      await receiver.addChannel(shop, channel, ['backlog']);
      await receiver.waitFor(channel, { version: 1, listings }, drainTimeoutMs);
      await warmUp(lab, shop.service, shop.apiKey);
      const rounds: Round[] = [];
      for (let round = 1; round <= lab.scale.longRounds; round += 1) {
        rounds.push(await measureRound(equipment, shop, receiver, round));
      }
      return outcomeOf(rounds, lab.scale.quick);
    } finally {
      await receiver.stop();
      await shop.close();
    }
  },
};

async function measureRound(
  equipment: Equipment,
  shop: Shop,
  receiver: ChannelReceiver,
  round: number,
): Promise<Round> {
  const { scale } = equipment.lab;
  const listings = scale.backlogListings;
  await shop.call('POST', `/api/channels/${channel}/pause`);
  const onHand = 1_000 + round;
  await countLevels(shop, { storeId: 'backlog', count: listings, onHand, round: round + 1 });
  await settle(shop, 10_000);
  const load = keepLoading(equipment, shop);
  try {
    await setTimeout(1_000);
    const alone = await readPoint(shop);
    await setTimeout(scale.quick ? 3_000 : 10_000);
    const resumed = await readPoint(shop);
    await shop.call('POST', `/api/channels/${channel}/resume`);
    const goal = { version: round + 1, listings };
    const { complete, listings: drained } = await receiver.waitFor(channel, goal, drainTimeoutMs);
    const done = await readPoint(shop);
    return {
      listings: drained,
      drainSeconds: (done.at - resumed.at) / 1000,
      undisturbed: rateBetween(alone, resumed),
      meanwhile: rateBetween(resumed, done),
      complete,
    };
  } finally {
    await load.stop();
  }
}

/** Adjusts until it is told to stop, in runs of two seconds. */
function keepLoading({ lab }: Equipment, shop: Shop): { stop(): Promise<void> } {
  const { url } = shop.service;
  const load = { request: 'adjust', skus: manySkus, connections: 64, seconds: 2 } as const;
  const stopping = new AbortController();
  const loading = (async () => {
    while (!stopping.signal.aborted)
      await runHttpLoad({ ...load, url, apiKey: shop.apiKey }, lab.tools);
  })();
  // Who stops it is told; until then a failure must not end the process.
  loading.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await loading;
    },
  };
}

type Point = { readonly at: number; readonly entries: number };

async function readPoint(shop: Shop): Promise<Point> {
  return { entries: await readEntryNumber(shop.connectionString), at: performance.now() };
}

function rateBetween(from: Point, to: Point): number {
  return ((to.entries - from.entries) / (to.at - from.at)) * 1000;
}

function outcomeOf(rounds: readonly Round[], quick: boolean) {
  const drains = rounds.map(({ listings, drainSeconds }) => listings / drainSeconds);
  const shares = rounds.map(({ undisturbed, meanwhile }) => meanwhile / undisturbed);
  const [drain, share] = [median(drains), median(shares)];
  const complete = rounds.every((round) => round.complete);
  return {
    ours: formatSpread(drains, ' listings/s'),
    baseline: formatSpread(
      rounds.map(({ undisturbed }) => undisturbed),
      ' adjusts/s',
    ),
    ratio: formatSpread(shares, ' ×'),
    checks: [
      { says: `${formatNumber(drain)} listings/s of ≥ 10,000`, passed: drain >= 10_000 },
      { says: `adjusts ${formatNumber(share)} × of ≥ 0.7 ×`, passed: share >= 0.7 },
      { says: complete ? 'drained to the end' : 'not drained to the end', passed: complete },
    ],
    notes: quick ? [`scaled down: ${rounds[0]?.listings} listings, one round`] : [],
    details: { rounds },
  };
}
