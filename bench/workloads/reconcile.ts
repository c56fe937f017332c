import { setTimeout } from 'node:timers/promises';
import { startSeller, type Seller } from '../../emulators/square/seller.ts';
import { addFact } from '../../emulators/square/state.ts';
import { query } from '../lab.ts';
import { readRssMb } from '../measure/process-figures.ts';
import { formatNumber, median } from '../measure/statistics.ts';
import type { Workload } from '../report/row.ts';
import { countLevels, openShop, settle, type Shop } from '../shop.ts';

const channelPath = '/api/channels/till';
const fillTimeoutMs = 600_000;
const runTimeoutMs = 600_000;
/** Of every thousand listings so many are changed at the vendor's by hand. */
const changedPerThousand = 1;

type Run = {
  readonly seconds: number;
  readonly compared: number;
  readonly drifts: number;
  readonly settled: number;
  /** Memory of the service while it ran, in MB. */
  readonly rssMb: readonly number[];
};

type RunView = {
  readonly status: string;
  readonly compared: number;
  readonly drifts: number;
  readonly settled: number;
};

/** Listings of one channel, read from an emulated seller's account, some changed there by hand. */
export const reconcile: Workload = {
  name: 'reconcile',
  title: 'reconcile: 100,000 listings of one channel, one in a thousand changed by hand',
  against: 'memory of the first run',
  bar: '≤ 120 s, all drift settled, memory of the second run ≤ 1.15 × that of the first',
  async run({ lab }) {
    const count = lab.scale.backlogListings;
    const skus = Array.from({ length: count }, (_, index) => `SKU-${index + 1}`);
    const seed = { skus: Object.fromEntries(skus.map((sku) => [sku, 0])) };
    const seller = await startSeller({ seed });
    const shop = await openShop(lab, 'bench_reconcile');
    try {
      const ids = idsOf(seller);
      await countLevels(shop, { count, onHand: 100 });
      await connect(shop, seller, ids);
      await waitForListings(shop, count);
      await settle(shop, 30_000);
      const runs: Run[] = [];
      for (let round = 1; round <= 2; round += 1) {
        for (let at = round; at < count; at += 1_000 / changedPerThousand) {
          changeByHand(seller, ids, skus[at] ?? '', 100 + round);
        }
        runs.push(await measure(shop));
        lab.say(`  run ${round}: ${JSON.stringify({ ...runs.at(-1), rssMb: undefined })}`);
      }
      return outcomeOf(runs, count);
    } finally {
      await shop.close();
      await seller.server.stop();
    }
  },
};

type Ids = ReadonlyMap<string, { readonly catalogObjectId: string; readonly locationId: string }>;

function idsOf({ state }: Seller): Ids {
  const locationId = state.locations[0]?.id ?? '';
  return new Map(
    Object.values(state.variations).map(({ sku, id }) => [
      sku,
      { catalogObjectId: id, locationId },
    ]),
  );
}

function changeByHand({ state }: Seller, ids: Ids, sku: string, quantity: number): void {
  const id = ids.get(sku);
  if (id === undefined) return;
  const occurredAt = Date.now();
  const fact = { kind: 'count', quantity, occurredAt, by: 'staff', key: null } as const;
  addFact(state, id.catalogObjectId, id.locationId, fact);
}

async function connect(shop: Shop, seller: Seller, ids: Ids): Promise<void> {
  const { config, credentials } = seller;
  await shop.call('PUT', channelPath, { kind: 'square', config, credentials });
  const listings = [...ids].map(([sku, externalIds]) => ({ storeId: 'main', sku, externalIds }));
  for (let from = 0; from < listings.length; from += 2_000) {
    const some = listings.slice(from, from + 2_000);
    await shop.call('POST', `${channelPath}/listings`, { listings: some });
  }
}

async function waitForListings({ connectionString }: Shop, count: number): Promise<void> {
  const deadline = performance.now() + fillTimeoutMs;
  for (;;) {
    const [row] = await query<{ done: number }>(
      connectionString,
      `select count(*)::integer as done from listing
       where state = 'idle' and published_version > 0`,
    );
    if (row?.done === count) return;
    if (performance.now() > deadline) throw new Error(`only ${row?.done} listings were told`);
    await setTimeout(500);
  }
}

async function measure(shop: Shop): Promise<Run> {
  const startedAt = performance.now();
  const { reconciliationId } = await shop.call<{ reconciliationId: string }>(
    'POST',
    '/api/reconciliations',
    { channelId: 'till' },
  );
  const rssMb: number[] = [];
  for (;;) {
    const view = await shop.call<RunView>('GET', `/api/reconciliations/${reconciliationId}`);
    rssMb.push(await readRssMb(shop.service.process.pid));
    const seconds = (performance.now() - startedAt) / 1000;
    if (view.status === 'finished') {
      const { compared, drifts, settled } = view;
      return { seconds, compared, drifts, settled, rssMb };
    }
    if (seconds * 1000 > runTimeoutMs) throw new Error(`not ended: ${JSON.stringify(view)}`);
    await setTimeout(250);
  }
}

function outcomeOf(runs: readonly Run[], count: number) {
  const [first, second] = runs;
  if (first === undefined || second === undefined) throw new Error('two runs are measured');
  const slowest = Math.max(first.seconds, second.seconds);
  const [before, after] = [Math.max(...first.rssMb), Math.max(...second.rssMb)];
  const isWhole = runs.every(({ compared }) => compared === count);
  const isSettled = runs.every(({ drifts, settled }) => drifts > 0 && drifts === settled);
  return {
    ours: `${formatNumber(count / slowest)} listings/s, ${slowest.toFixed(1)} s`,
    baseline: `${formatNumber(before)} MB`,
    ratio: `${(after / before).toFixed(2)} ×`,
    checks: [
      { says: `${slowest.toFixed(1)} s of ≤ 120`, passed: slowest <= 120 },
      {
        says: `${formatNumber(after)} MB of ≤ 1.15 × ${formatNumber(before)} MB`,
        passed: after <= 1.15 * before,
      },
      { says: isWhole ? 'all compared' : 'not all compared', passed: isWhole },
      { says: isSettled ? 'all drift settled' : 'not all drift settled', passed: isSettled },
    ],
    notes: [
      ...(count < 100_000 ? [`scaled down: ${count} listings`] : []),
      `memory in the middle of the first run: ${formatNumber(median(first.rssMb))} MB`,
    ],
    details: { runs },
  };
}
