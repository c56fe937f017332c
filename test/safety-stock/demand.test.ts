import { afterAll, beforeAll, expect, test } from 'vitest';
import { adjustStock, dailyDemand, type AdjustableQuantity } from '../../src/stock/index.ts';
import { demandQuery } from '../../src/stock/demand.ts';
import { levelKey, merchantId, newSku, provenance } from '../support/stock.ts';
import { openBuffersRig, type BuffersRig } from './rig.ts';

let rig: BuffersRig;
beforeAll(async () => {
  rig = await openBuffersRig();
});
afterAll(() => rig.close());

const now = new Date();
const window = { now, days: 7 };
/** Noon, so many days ago; 0.75: in the evening of the day before. */
const ago = (days: number): Date =>
  new Date(new Date(now).setUTCHours(12, 0, 0, 0) - days * 86_400_000);

type Change = {
  readonly delta: number;
  readonly at: Date;
  readonly reason?: string | null;
  readonly channel?: string;
  readonly quantity?: AdjustableQuantity;
};

async function change(sku: string, changes: readonly Change[]): Promise<void> {
  const commands = changes.map(({ delta, at, reason = 'sale', channel, quantity = 'onHand' }) =>
    adjustStock({
      level: levelKey(sku),
      request: { quantity, delta, mode: 'fact' },
      provenance: { ...provenance, reason, sourceChannel: channel ?? null, occurredAt: at },
    }),
  );
  for (const outcome of await rig.writer.submit(commands)) expect(outcome.kind).toBe('applied');
}

const demandOf = async (sku: string): Promise<unknown> =>
  (await dailyDemand(rig.context.db, merchantId, [{ sku, storeId: 'main' }], window))[0];

const sales: [string, Omit<Change, 'at'>, number][] = [
  ['an order', { delta: -4, reason: 'order.confirmed' }, 4],
  ['a committed reservation', { delta: -4, reason: 'reservation.committed' }, 4],
  ['a change by a channel', { delta: -4, reason: null, channel: 'web' }, 4],
  ['a till', { delta: 4, reason: 'source.set', quantity: 'pendingSales' }, 4],
  ['open orders of a source', { delta: 4, reason: 'source.set', quantity: 'openOrders' }, 4],
  ['open orders that we sell', { delta: 4, reason: 'channel.order', quantity: 'openOrders' }, 0],
  ['what a source posts', { delta: -4, reason: 'source.set' }, 0],
  ['a write-off', { delta: -4, reason: 'broken' }, 0],
  ['a change without a reason', { delta: -4, reason: null }, 0],
  ['a cancelled order', { delta: 4, reason: 'order.cancelled', channel: 'web' }, 0],
];

test.each(sales)('%s counts as it should', async (_name, what, units) => {
  const sku = newSku();
  await change(sku, [
    { delta: 50, at: ago(20), reason: 'delivery' },
    { ...what, at: ago(2) },
  ]);
  expect(await demandOf(sku)).toEqual({ days: 7, units, squares: units ** 2 });
});

test('days are full days in UTC, and those without sales count', async () => {
  const sku = newSku();
  const midnight = new Date(now).setUTCHours(0, 0, 0, 0);
  const at = (ms: number): Date => new Date(midnight + ms);
  await change(sku, [
    { delta: 500, at: ago(20), reason: 'delivery' },
    // The last moment before the window, and its first.
    { delta: -100, at: at(-7 * 86_400_000 - 1) },
    { delta: -1, at: at(-7 * 86_400_000) },
    { delta: -2, at: at(-86_400_001) },
    // Two of one day.
    { delta: -3, at: at(-86_400_000) },
    { delta: -4, at: at(-1) },
    // Today is not over.
    { delta: -100, at: at(0) },
  ]);
  expect(await demandOf(sku)).toEqual({ days: 7, units: 10, squares: 1 + 4 + 49 });
});

test('a young level has the days since its first entry, that one included', async () => {
  const [young, today] = [newSku(), newSku()];
  await change(young, [
    { delta: 50, at: ago(3), reason: 'delivery' },
    { delta: -6, at: ago(1) },
  ]);
  await change(today, [{ delta: 50, at: now, reason: 'delivery' }]);
  expect(await demandOf(young)).toEqual({ days: 3, units: 6, squares: 36 });
  expect(await demandOf(today)).toEqual({ days: 0, units: 0, squares: 0 });
  expect(await demandOf('nobody has it')).toEqual({ days: 0, units: 0, squares: 0 });
});

/** As if the level's entries until then were archived. */
const archive = (sku: string, until: Date): Promise<unknown> =>
  rig.pool.query(
    `insert into ledger_opening (merchant_id, sku, location_id, version, on_hand, reserved,
       allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
     values ($1, $2, 'main', 1, 0, 0, 0, 0, 0, 0, 0, 0, $3)`,
    [merchantId, sku, until],
  );

test('a level whose first entries are archived has the days since then', async () => {
  const [old, half] = [newSku(), newSku()];
  for (const sku of [old, half]) {
    await change(sku, [
      { delta: 50, at: ago(3), reason: 'delivery' },
      { delta: -6, at: ago(1) },
    ]);
  }
  await archive(old, ago(30));
  // What was sold on the last archived day is not known any more.
  await archive(half, ago(5));
  expect(await demandOf(old)).toEqual({ days: 7, units: 6, squares: 36 });
  expect(await demandOf(half)).toEqual({ days: 4, units: 6, squares: 36 });
});

test('places are answered in their order, by look-ups in the primary key alone', async () => {
  const skus = Array.from({ length: 40 }, newSku);
  for (const [index, sku] of skus.entries()) {
    await change(sku, [
      { delta: 5_000, at: ago(20), reason: 'delivery' },
      ...Array.from({ length: 30 }, () => ({ delta: -1 - index, at: ago(2) })),
    ]);
  }
  const places = skus.map((sku) => ({ sku, storeId: 'main' }));
  const found = await dailyDemand(rig.context.db, merchantId, places, window);
  const sold = skus.map((_, index) => 30 * (1 + index));
  expect(found.map(({ units }) => units)).toEqual(sold);
  await rig.pool.query('analyze ledger_entry');
  const { sql, parameters } = demandQuery(merchantId, places, window).compile(rig.context.db);
  const { rows } = await rig.pool.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, [
    ...parameters,
  ]);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  // Of the partitions where there is anything.
  expect(plan).not.toMatch(/Seq Scan on ledger_entry\S* \S+ {2}\(cost=0\.00\.\.(?!0\.00)/);
  expect(plan.match(/ledger_entry_\d{4}_\d\d_pkey/g)?.length).toBeGreaterThanOrEqual(3);
});
