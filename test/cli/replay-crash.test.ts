import { Readable } from 'node:stream';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import {
  openStock,
  replayOrders,
  type ReplayOrder,
  type ReplayTarget,
} from '../../src/replay/index.ts';
import type { StockWriter } from '../../src/stock/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { openInspector, openTestWriter } from '../support/stock.ts';

/**
 * Every place between two statements where a run can die, one after the other: behind each call of
 * the database and of the writer. Then the run is started again.
 */
let database: TestDatabase;
let handle: DatabaseHandle;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  pool = await openInspector(database.connectionString);
});

afterAll(async () => {
  await handle.close();
  await pool.end();
  await database.drop();
});

const at = new Date('2010-12-01T08:26:00Z');

function order(orderId: string, units: Record<string, number>): ReplayOrder {
  const kind = orderId.startsWith('C')
    ? 'cancellation'
    : orderId.startsWith('L')
      ? 'correction'
      : 'sale';
  const lines = Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }));
  return { orderId, kind, at, lines };
}

/** Each refusal is followed by something that would let the same order succeed later. */
const orders = [
  order('1', { pen: 3, ink: 1 }),
  order('2', { pen: 3 }),
  order('3', { ink: 9 }),
  order('4', { pen: 1 }),
  order('C5', { pen: 2, ink: 8 }),
  order('6', { pen: 3, ink: 5 }),
  order('L7', { pen: 1 }),
  order('L8', { ink: 3 }),
  order('9', { pen: 1 }),
  order('C10', { pen: 3 }),
  order('11', { pen: 2, ink: 1 }),
  order('12', { pen: 2 }),
  order('C13', { ink: 7, pen: 1 }),
];
const opening = new Map([
  ['pen', 5],
  ['ink', 4],
]);
const refused = ['2', '3', 'L7', '9', '12'];

class Crash extends Error {}

/** Counts calls and dies behind the n-th: it was done, and nobody heard of it. */
class Fuse {
  readonly #at: number;
  calls = 0;
  constructor(callNumber: number) {
    this.#at = callNumber;
  }
  async guard<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    const isLast = this.calls === this.#at;
    const result = await call();
    if (isLast) throw new Crash();
    return result;
  }
}

type Run = {
  readonly writer: StockWriter;
  readonly target: ReplayTarget;
  readonly batch: number;
  readonly ttlSeconds: number;
};

async function replay({ writer, target, batch, ttlSeconds }: Run, fuse: Fuse): Promise<void> {
  const guarded = new Proxy(writer, {
    get: (real, name) =>
      name === 'submit'
        ? (...args: Parameters<StockWriter['submit']>) => fuse.guard(() => real.submit(...args))
        : (Reflect.get(real, name, real) as unknown),
  });
  const db = handle.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: ({ result }) => fuse.guard(() => Promise.resolve(result)),
  });
  await openStock(db, guarded, target, opening);
  await replayOrders(
    { db, pool, writer: guarded, target, ttlSeconds },
    Readable.from(orders) as AsyncIterable<ReplayOrder>,
    {
      batch,
      onWave: () => undefined,
      onDiffering: ({ orderId }) => {
        throw new Error(`order ${orderId} differs`);
      },
      signal: new AbortController().signal,
    },
  );
}

async function stateOf(storeId: string): Promise<unknown> {
  const levels = await pool.query(
    `select sku, on_hand, reserved from stock_level where location_id = $1 order by sku`,
    [storeId],
  );
  const outcomes = await pool.query<{ order_id: string }>(
    `select order_id from replay_order where location_id = $1 and outcome = 'refused'
     order by order_id`,
    [storeId],
  );
  const open = await pool.query(
    `select order_id from replay_order where location_id = $1 and outcome is null`,
    [storeId],
  );
  return {
    levels: levels.rows as unknown,
    refused: outcomes.rows.map((row) => row.order_id),
    open: open.rows as unknown,
  };
}

const settings = [
  { name: 'one order at a time', batch: 1, againBatch: 1, ttlSeconds: 3600, keySeconds: 86_400 },
  { name: 'all together', batch: 100, againBatch: 100, ttlSeconds: 3600, keySeconds: 86_400 },
  { name: 'keys forgotten', batch: 4, againBatch: 3, ttlSeconds: 3600, keySeconds: 0.001 },
  { name: 'holds ended', batch: 100, againBatch: 2, ttlSeconds: 0.001, keySeconds: 0.001 },
  { name: 'holds last', batch: 2, againBatch: 100, ttlSeconds: 3600, keySeconds: 0.001 },
];

test.each(settings)(
  'a run that dies anywhere and starts again ends as one that was left alone: $name',
  async ({ name, batch, againBatch, ttlSeconds, keySeconds }) => {
    const opened = openTestWriter(database.connectionString, {
      idempotencyTtlSeconds: keySeconds,
    });
    const runAt = (storeId: string, size: number): Run => ({
      writer: opened.writer,
      target: { merchantId: 'default', storeId },
      batch: size,
      ttlSeconds,
    });
    const calm = new Fuse(0);
    await replay(runAt(`${name}: calm`, batch), calm);
    const expected = await stateOf(`${name}: calm`);
    expect(expected).toEqual({
      levels: [
        { sku: 'ink', on_hand: 9, reserved: 0 },
        { sku: 'pen', on_hand: 2, reserved: 0 },
      ],
      refused: refused.toSorted(),
      open: [],
    });
    expect(calm.calls).toBeGreaterThan(10);
    for (let call = 1; call <= calm.calls; call += 1) {
      const storeId = `${name}: call ${call}`;
      await expect(replay(runAt(storeId, batch), new Fuse(call))).rejects.toThrow(Crash);
      await replay(runAt(storeId, againBatch), new Fuse(0));
      expect({ storeId, state: await stateOf(storeId) }).toEqual({ storeId, state: expected });
    }
    await opened.close();
    await expectCleanAudit(pool);
  },
);
