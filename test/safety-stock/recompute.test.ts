import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deleteBuffer, followChanges, putCategories } from '../../src/safety-stock/index.ts';
import { recomputeBuffers } from '../../src/safety-stock/recompute.ts';
import { setStock } from '../../src/stock/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { adjust, count, merchantId, newSku, provenance } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { openBuffersRig, type BuffersRig } from './rig.ts';

let rig: BuffersRig;
beforeAll(async () => {
  rig = await openBuffersRig();
  await rig.pool.query(
    `insert into location (merchant_id, location_id) values ('default', 'berlin')`,
  );
});
afterAll(async () => {
  await expectCleanAudit(rig.pool);
  await rig.close();
});
afterEach(async () => {
  await rig.pool.query('delete from safety_buffer');
  await rig.recompute();
});

/** A SKU with a hundred on hand at both stores. */
async function stocked(units = 100): Promise<string> {
  const sku = newSku();
  await rig.writer.submitOne(count(sku, units));
  const level = { merchantId, sku, storeId: 'berlin' };
  await rig.writer.submitOne(setStock({ level, request: { onHand: units }, provenance }));
  return sku;
}
const both = async (sku: string) => [await rig.kept(sku), await rig.kept(sku, 'berlin')];
const rules = async (): Promise<unknown> =>
  (await rig.pool.query('select sku, units from safety_buffer')).rows;
const follow = () => followChanges(rig.context, new AbortController().signal);

describe('of the rules that fit a level', () => {
  test('the most specific holds, and the next one when it goes', async () => {
    const [shoe, other] = [await stocked(), await stocked()];
    await putCategories(rig.context.db, merchantId, [{ sku: shoe, category: 'shoes' }]);
    const scopes = [
      {},
      { storeId: 'main' },
      { category: 'shoes' },
      { category: 'shoes', storeId: 'main' },
      { sku: shoe },
      { sku: shoe, storeId: 'main' },
    ];
    for (const [index, scope] of scopes.entries()) await rig.put(scope, { units: index + 1 });
    const seen: (number | undefined)[][] = [];
    for (const scope of [...scopes.toReversed(), undefined]) {
      await rig.recompute();
      seen.push([...(await both(shoe)), ...(await both(other))]);
      if (scope !== undefined) await deleteBuffer(rig.context.db, merchantId, scope);
    }
    expect(seen).toEqual([
      [6, 5, 2, 1],
      [5, 5, 2, 1],
      [4, 3, 2, 1],
      [3, 3, 2, 1],
      [2, 1, 2, 1],
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ]);
  });

  test('a rule without figures takes those of the settings', async () => {
    const sku = await stocked(250);
    await rig.put({ sku }, { strategy: 'dynamic' });
    await rig.recompute();
    expect(await both(sku)).toEqual([25, 25]);
  });

  test('a rule for a SKU and a category, or at an unknown store, is refused', async () => {
    await expect(rig.put({ sku: 'a', category: 'b' }, {})).rejects.toThrow('SCOPE_INVALID');
    await expect(rig.put({ storeId: 'nowhere' }, {})).rejects.toThrow('STORE.NOT_FOUND');
  });
});

describe('a run', () => {
  test('goes through more levels than fit a batch, and changes nothing twice', async () => {
    const skus = Array.from({ length: 1_203 }, newSku);
    await rig.writer.submit(skus.map((sku) => count(sku, 10)));
    await rig.put({}, { units: 2 });
    const first = await rig.recompute();
    expect(first.changed).toBeGreaterThanOrEqual(1_203);
    const { rows } = await rig.pool.query<{ levels: number; commands: number; messages: number }>(
      `select count(*)::integer as levels, count(distinct command_id)::integer as commands,
         (select count(*)::integer from outbox_message o join stock_level s
          using (merchant_id, sku, location_id, version) where s.sku = any ($1::text[])) as messages
       from ledger_entry where sku = any ($1::text[]) and reason = 'safety_stock'
         and quantity = 'safety_stock' and delta = 2 and actor = 'safety-stock'`,
      [skus],
    );
    expect(rows[0]).toEqual({ levels: 1_203, commands: 1_203, messages: 1_203 });
    expect(await rig.recompute()).toEqual({ levels: first.levels, changed: 0 });
  });

  test('looks at nothing that keeps nothing where nothing is to be kept', async () => {
    const skus = Array.from({ length: 20 }, newSku);
    await rig.writer.submit(skus.map((sku) => count(sku, 10)));
    const [left = ''] = skus;
    await rig.put({ sku: left }, { units: 3 });
    await rig.recompute();
    expect(await rig.kept(left)).toBe(3);
    await deleteBuffer(rig.context.db, merchantId, { sku: left });
    expect(await rig.recompute()).toEqual({ levels: 1, changed: 1 });
    expect(await rig.kept(left)).toBe(0);
  });

  test('is alone: a second one of the same merchant does nothing meanwhile', async () => {
    const skus = Array.from({ length: 600 }, newSku);
    await rig.writer.submit(skus.map((sku) => count(sku, 10)));
    await rig.put({}, { units: 1 });
    const blocker = await rig.pool.connect();
    try {
      await blocker.query('begin');
      await blocker.query('select from stock_level where sku = any ($1) for update', [skus]);
      const first = recomputeBuffers(rig.context, merchantId);
      const isHeldUp = async (): Promise<boolean> => {
        const { rowCount } = await rig.pool.query(
          `select from pg_stat_activity
           where wait_event_type = 'Lock' and datname = current_database()`,
        );
        return rowCount === 1;
      };
      await waitFor(isHeldUp, { what: 'the first to be held up' });
      expect(await recomputeBuffers(rig.context, merchantId)).toBeUndefined();
      await blocker.query('commit');
      expect((await first)?.changed).toBeGreaterThanOrEqual(600);
    } finally {
      blocker.release();
    }
  });

  test('that was ended goes on where levels are not right yet', async () => {
    const skus = Array.from({ length: 1_100 }, newSku);
    await rig.writer.submit(skus.map((sku) => count(sku, 10)));
    await rig.put({}, { units: 3 });
    const ending = new AbortController();
    const options = { signal: ending.signal, onBatch: () => ending.abort() };
    expect(await recomputeBuffers(rig.context, merchantId, options)).toBeUndefined();
    const { rows } = await rig.pool.query<{ requested: boolean }>(
      'select requested_at is not null as requested from safety_run',
    );
    // It is still due.
    expect(rows).toEqual([{ requested: true }]);
    const rest = await rig.recompute();
    expect(rest.changed).toBe(rest.levels - 500);
  });
});

describe('what is kept', () => {
  test('leaves no less than nothing available, and is made up for when stock comes', async () => {
    const sku = await stocked(10);
    await rig.writer.submitOne(adjust(sku, 4, { quantity: 'allocated' }));
    await rig.put({ sku, storeId: 'main' }, { units: 8 });
    await rig.recompute();
    await follow();
    expect(await rig.kept(sku)).toBe(6);
    await rig.writer.submitOne(adjust(sku, 1));
    await follow();
    expect(await rig.kept(sku)).toBe(7);
    await rig.writer.submitOne(adjust(sku, 50));
    await follow();
    expect(await rig.kept(sku)).toBe(8);
  });

  test('follows a percentage of what is on hand, once for many changes', async () => {
    const sku = await stocked(100);
    await rig.put({ sku, storeId: 'main' }, { strategy: 'dynamic', percentage: 20 });
    await rig.recompute();
    await follow();
    await rig.writer.submit(Array.from({ length: 50 }, () => adjust(sku, -1)));
    expect(await follow()).toBe(1);
    expect(await rig.kept(sku)).toBe(10);
    expect(await follow()).toBe(0);
  });

  test('is decided on the level as it is when it is written, not as it was judged', async () => {
    const sku = await stocked(100);
    await rig.put({ sku, storeId: 'main' }, { strategy: 'dynamic', percentage: 50 });
    // An order comes after the judgement, just before the change is written.
    const { together } = rig.context;
    const pool = Object.create(together.pool) as Pool;
    const connect = async () => {
      await rig.writer.submitOne(adjust(sku, -60));
      return await together.pool.connect();
    };
    Object.assign(pool, { connect });
    await recomputeBuffers({ ...rig.context, together: { ...together, pool } }, merchantId);
    expect(await rig.kept(sku)).toBe(20);
  });
});

const scope = { sku: 'kept-together' };

test.each([
  {
    name: 'a rule comes with its run or not at all',
    change: () => rig.put(scope, { units: 9 }),
  },
  {
    name: 'a rule goes with its run or not at all',
    change: () => deleteBuffer(rig.context.db, merchantId, scope),
  },
])('$name', async ({ change }) => {
  await rig.put(scope, { units: 5 });
  await rig.recompute();
  const before = await rules();
  await rig.pool.query(
    'alter table safety_run add constraint no_requests check (requested_at is null)',
  );
  try {
    await expect(change()).rejects.toThrow('no_requests');
    expect(await rules()).toEqual(before);
  } finally {
    await rig.pool.query('alter table safety_run drop constraint no_requests');
  }
});
