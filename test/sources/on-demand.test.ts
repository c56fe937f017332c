import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Emulator } from '../../emulators/emulator.ts';
import {
  availableToSell,
  createOnDemand,
  dueSources,
  requestRun,
  type AtsTerm,
  type OnDemand,
} from '../../src/sources/index.ts';
import { adjust, count, merchantId, newSku } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { startAskedOdoo, type AskedOdoo } from './asked-odoo.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Sources that are asked when somebody wants to know: an Odoo for on hand, a database for
// allocated, a Square for nothing but its own test.

let rig: SourcesRig;
let odoo: AskedOdoo;

beforeAll(async () => {
  rig = await openSourcesRig();
  odoo = await startAskedOdoo();
  await rig.pool.query('create schema wms');
  await rig.pool.query(
    'create table wms.picks (item text primary key, units integer, changed_at timestamptz)',
  );
});
afterAll(async () => {
  await odoo.close();
  await rig.close();
});
beforeEach(async () => {
  await rig.put({
    sourceId: 'odoo',
    kind: 'odoo',
    config: { baseUrl: odoo.url, database: 'prod', locations: { '8': 'main' }, onDemand: true },
    credentials: { apiKey: 'odoo-key' },
    owns: [{ quantity: 'onHand' }],
  });
  await rig.put({
    sourceId: 'wms',
    kind: 'sql',
    config: {
      query: `select item as id, item as sku, units as value, changed_at as observed_at
              from wms.picks where changed_at >= :since`,
      storeId: 'main',
      quantity: 'allocated',
      onDemand: true,
    },
    credentials: { url: rig.connectionString },
    owns: [{ quantity: 'allocated' }],
  });
});
afterEach(async () => {
  odoo.gate = Promise.resolve();
  odoo.status = undefined;
  await rig.pool.query('delete from source');
});

/** A SKU of which Odoo says so much, and the database that so much is picked. */
async function known(quantity: number, picked: number): Promise<string> {
  const sku = newSku();
  await rig.writer.submitOne(count(sku, 1));
  odoo.stock.set(sku, { quantity, at: soon() });
  await rig.pool.query('insert into wms.picks values ($1, $2, clock_timestamp())', [sku, picked]);
  return sku;
}
/** Odoo's times have no milliseconds: after all that was recorded. */
const soon = (): Date => new Date(Date.now() + 1_000);
const open = (more: { timeoutMs?: number; keepSeconds?: number } = {}): OnDemand =>
  createOnDemand(rig.context, { timeoutMs: 20_000, keepSeconds: 60, ...more });

async function explain(onDemand: OnDemand, sku: string) {
  const found = await availableToSell(rig.context, onDemand, { merchantId, sku });
  const term = (quantity: string): AtsTerm | undefined =>
    found?.terms.find((one) => one.quantity === quantity);
  return { available: found?.available, onHand: term('onHand'), allocated: term('allocated') };
}

describe('sources that are asked on demand', () => {
  test('are all asked, and what they say is stock from then on', async () => {
    const sku = await known(40, 3);
    const found = await explain(open(), sku);
    expect(found).toMatchObject({
      available: 37,
      onHand: { value: 40, source: 'odoo', state: 'asked' },
      allocated: { value: 3, source: 'wms', state: 'asked' },
    });
    expect([await rig.quantity(sku), await rig.quantity(sku, 'allocated')]).toEqual([40, 3]);
    const { rows } = await rig.pool.query(
      `select reason, actor, delta from ledger_entry where sku = $1 and quantity = 'on_hand'
       order by version desc limit 1`,
      [sku],
    );
    expect(rows).toEqual([{ reason: 'source.set', actor: 'source:odoo', delta: 39 }]);
  });

  test('are asked once however many ask at the same time, and the answer is kept', async () => {
    const sku = await known(8, 0);
    const onDemand = open();
    const all = await Promise.all(Array.from({ length: 25 }, () => explain(onDemand, sku)));
    expect(new Set(all.map(({ available }) => available))).toEqual(new Set([8]));
    await explain(onDemand, sku);
    expect(odoo.timesAsked(sku)).toBe(1);
    await explain(open({ keepSeconds: 0 }), sku);
    expect(odoo.timesAsked(sku)).toBe(2);
  });

  test('are asked at the same time: one that hangs keeps nobody from the other', async () => {
    const sku = await known(8, 5);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    odoo.gate = promise;
    const onDemand = open();
    const found = explain(onDemand, sku);
    await waitFor(async () => (await rig.quantity(sku, 'allocated')) === 5 || undefined, {
      what: 'the answer of the one that does not hang',
    });
    release();
    expect(await found).toMatchObject({ available: 3, onHand: { state: 'asked' } });
  });

  test('that do not answer in time leave the last known figure, with its age', async () => {
    const sku = await known(8, 5);
    await explain(open(), sku);
    odoo.stock.set(sku, { quantity: 99, at: soon() });
    const { promise, resolve: release } = Promise.withResolvers<void>();
    odoo.gate = promise;
    const onDemand = open({ timeoutMs: 100 });
    const late = await explain(onDemand, sku);
    release();
    expect(late).toMatchObject({ available: 3, onHand: { value: 8, state: 'lastKnown' } });
    expect(late.onHand?.observedAt).toBe(
      (
        await rig.pool.query<{ at: Date }>(
          `select observed_at as at from source_figure where sku = $1 and quantity = 'on_hand'`,
          [sku],
        )
      ).rows[0]?.at.toISOString(),
    );
  });

  test('that fail are lastKnown, for one of them alone, and asked again later', async () => {
    const sku = await known(8, 5);
    odoo.status = 500;
    const onDemand = open({ keepSeconds: 0 });
    expect(await explain(onDemand, sku)).toMatchObject({
      available: -4,
      onHand: { value: 1, state: 'lastKnown' },
      allocated: { value: 5, state: 'asked' },
    });
    odoo.status = undefined;
    expect(await explain(onDemand, sku)).toMatchObject({
      available: 3,
      onHand: { state: 'asked' },
    });
  });

  test('that do not know the SKU leave it as it is', async () => {
    const sku = newSku();
    await rig.writer.submitOne(count(sku, 6));
    expect(await explain(open(), sku)).toMatchObject({
      available: 6,
      onHand: { value: 6, state: 'lastKnown' },
    });
  });

  test('are told of nothing that came after their figure was true: it is on top', async () => {
    const sku = await known(20, 5);
    await explain(open(), sku);
    await rig.writer.submitOne(adjust(sku, 3, { quantity: 'allocated' }));
    // A figure of before that, heard of afterwards.
    await rig.pool.query('update wms.picks set units = 6 where item = $1', [sku]);
    expect(await explain(open(), sku)).toMatchObject({ allocated: { value: 9 }, available: 11 });
  });

  test('are not read by the clock, and only when named', async () => {
    const due = async () => (await dueSources(rig.context.db, 10)).map(({ sourceId }) => sourceId);
    expect(await due()).toEqual([]);
    await requestRun(rig.context.db, merchantId, undefined);
    expect(await due()).toEqual([]);
    await requestRun(rig.context.db, merchantId, 'wms');
    expect(await due()).toEqual(['wms']);
  });
});

test('square is asked by the SKU of the variation', async () => {
  const sku = newSku();
  await rig.pool.query(`delete from source`);
  await rig.writer.submitOne(count(sku, 1));
  const bodies: unknown[] = [];
  const square = await Emulator.start({
    initial: {},
    handle: ({ path, body }) => {
      bodies.push(JSON.parse(body));
      const objects = [{ id: 'V1', item_variation_data: { sku } }];
      if (path === '/v2/catalog/search') return { status: 200, body: { objects } };
      const where = { catalog_object_id: 'V1', location_id: 'L1', state: 'IN_STOCK' };
      const at = new Date().toISOString();
      return {
        status: 200,
        body: { counts: [{ ...where, quantity: '14', calculated_at: at }] },
      };
    },
  });
  try {
    await rig.put({
      sourceId: 'pos',
      kind: 'square',
      config: { baseUrl: square.url, locations: { L1: 'main' }, onDemand: true },
      credentials: { accessToken: 'square-token' },
    });
    expect(await explain(open(), sku)).toMatchObject({ onHand: { value: 14, state: 'asked' } });
    expect(bodies).toEqual([
      {
        object_types: ['ITEM_VARIATION'],
        query: { set_query: { attribute_name: 'sku', attribute_values: [sku] } },
      },
      { catalog_object_ids: ['V1'], location_ids: ['L1'], states: ['IN_STOCK'] },
    ]);
  } finally {
    await square.stop();
  }
});
