import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Emulator, type EmulatedRequest } from '../../emulators/emulator.ts';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { newSku } from '../support/stock.ts';
import { startQuantsOdoo, type Quant, type QuantsOdoo } from './quants-odoo.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Each kind of source, asked as its system is asked.

let rig: SourcesRig;
let feedFolder = '';
beforeAll(async () => {
  feedFolder = await mkdtemp(join(tmpdir(), 'feeds-'));
  rig = await openSourcesRig({ feedFolder });
});
afterAll(async () => {
  await rig.close();
  await rm(feedFolder, { recursive: true });
});

async function dropSources(): Promise<void> {
  await rig.pool.query('delete from source');
}

const writeRow = (sku: string, units: number, at: string): Promise<unknown> =>
  rig.pool.query(
    `insert into erp.stock values ($1, $2, $3)
     on conflict (item) do update set units = excluded.units, changed_at = excluded.changed_at`,
    [sku, units, at],
  );

describe('sql', () => {
  beforeAll(async () => {
    await rig.pool.query('create schema erp');
    await rig.pool.query(
      `create table erp.stock (item text primary key, units numeric, changed_at timestamptz)`,
    );
    await rig.put({
      sourceId: 'erp-db',
      kind: 'sql',
      config: {
        query: `select item as id, item as sku, units as value, changed_at as observed_at
                from erp.stock where changed_at >= :since`,
        storeId: 'main',
        quantity: 'onHand',
        overlapSeconds: 30,
      },
      credentials: { url: rig.connectionString },
      batchSize: 2,
    });
  });
  afterAll(dropSources);

  test('rows with equal timestamps, over several pages, are all read', async () => {
    const skus = Array.from({ length: 5 }, newSku);
    for (const sku of skus) await writeRow(sku, 4, '2026-11-01T10:00:00.123456Z');
    expect(await rig.run('erp-db')).toMatchObject({ read: 5, applied: 5, pages: 3 });
  });

  test('a row that was committed late, with an older timestamp, is not lost', async () => {
    const sku = newSku();
    await writeRow(sku, 9, '2026-11-01T09:59:40Z');
    await rig.run('erp-db');
    expect(await rig.quantity(sku)).toBe(9);
    // A second change within the same moment of the clock.
    await writeRow(sku, 8, '2026-11-01T09:59:40Z');
    const run = await rig.run('erp-db');
    expect(run).toMatchObject({ applied: 1 });
    expect(run.unchanged).toBeGreaterThan(3);
    expect(await rig.quantity(sku)).toBe(8);
  });

  test('a query that fails says so, and changes nothing', async () => {
    await rig.pool.query('alter table erp.stock rename to stock_away');
    expect(await rig.run('erp-db')).toMatchObject({ status: 'failed', code: 'sql_42P01' });
    await rig.pool.query('alter table erp.stock_away rename to stock');
    expect(await rig.run('erp-db')).toMatchObject({ status: 'succeeded' });
  });
});

describe('csv', () => {
  afterAll(dropSources);

  test('a file of everything zeroes what it lacks; a broken one changes nothing', async () => {
    const skus = Array.from({ length: 6 }, newSku);
    const file = join(feedFolder, 'stock.csv');
    const write = (lines: readonly string[]): Promise<void> =>
      writeFile(file, `Artikel;Menge\n${lines.join('\n')}\n`);
    await write(skus.map((sku) => `${sku};5`));
    await rig.put({
      sourceId: 'wms-file',
      kind: 'csv',
      mode: 'full',
      config: {
        path: 'stock.csv',
        delimiter: ';',
        columns: { sku: 'Artikel', value: 'Menge' },
        storeId: 'main',
      },
      batchSize: 4,
    });
    expect(await rig.run('wms-file')).toMatchObject({ applied: 6, pages: 2 });
    await writeFile(file, `Artikel;Menge\n${skus[0]};5;surplus\n`);
    expect(await rig.run('wms-file')).toMatchObject({ status: 'failed', code: 'invalid_csv' });
    await write(skus.slice(0, 5).map((sku) => `${sku};6`));
    expect(await rig.run('wms-file')).toMatchObject({ status: 'succeeded', applied: 6 });
    expect(await Promise.all(skus.map((sku) => rig.quantity(sku)))).toEqual([6, 6, 6, 6, 6, 0]);
  });

  test.each(['../secret.csv', '/etc/passwd', 'a/../../b'])(
    'no path leads out: %s',
    async (path) => {
      await expect(rig.put({ sourceId: 'out', kind: 'csv', config: { path } })).rejects.toThrow(
        'SOURCE.INVALID',
      );
    },
  );
});

describe('odoo', () => {
  let odoo: QuantsOdoo;
  beforeAll(async () => {
    odoo = await startQuantsOdoo();
    await rig.put({
      sourceId: 'odoo',
      kind: 'odoo',
      config: {
        baseUrl: odoo.url,
        database: 'prod',
        locations: { '8': 'main' },
        quantities: ['onHand', 'allocated'],
      },
      credentials: { apiKey: 'odoo-key' },
      owns: [{ quantity: 'onHand' }, { quantity: 'allocated' }],
      batchSize: 2,
    });
  });
  afterAll(async () => {
    await odoo.stop();
    await dropSources();
  });

  test('a figure is the sum over the lots of a product, whichever of them changed', async () => {
    const [a, b] = [newSku(), newSku()];
    const { codes, quants } = odoo.state;
    codes.push([1, a], [2, b]);
    const at = '2026-11-02 08:00:00';
    quants.push(
      { id: 11, product: 1, location: 8, quantity: 5, reserved: 1, at },
      { id: 12, product: 1, location: 8, quantity: 7, reserved: 0, at },
      { id: 13, product: 2, location: 8, quantity: 3, reserved: 3, at },
    );
    await rig.run('odoo');
    expect([await rig.quantity(a), await rig.quantity(a, 'allocated')]).toEqual([12, 1]);
    expect([await rig.quantity(b), await rig.quantity(b, 'allocated')]).toEqual([3, 3]);
    quants[1] = { ...quants[1], quantity: 2, at: '2026-11-02 09:00:00' } as Quant;
    await rig.run('odoo');
    expect(await rig.quantity(a)).toBe(7);
  });

  test('a lot that was deleted leaves the sum with a full read, the newest one, too', async () => {
    const [sku, other] = [newSku(), newSku()];
    const { codes, quants } = odoo.state;
    codes.push([7, sku], [8, other]);
    const at = '2026-11-02 10:00:00';
    quants.push(
      { id: 71, product: 7, location: 8, quantity: 5, reserved: 0, at },
      { id: 72, product: 7, location: 8, quantity: 7, reserved: 0, at: '2026-11-02 11:00:00' },
      { id: 81, product: 8, location: 8, quantity: 4, reserved: 0, at },
    );
    await rig.run('odoo');
    expect(await rig.quantity(sku)).toBe(12);
    quants.splice(-2, 1);
    await rig.pool.query(`update source set mode = 'full' where source_id = 'odoo'`);
    expect(await rig.run('odoo')).toMatchObject({ status: 'succeeded', stale: 0 });
    expect([await rig.quantity(sku), await rig.quantity(other)]).toEqual([5, 4]);
  });

  test('a failed answer changes nothing', async () => {
    odoo.faults = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 500 } }]);
    expect(await rig.run('odoo')).toMatchObject({ status: 'failed', code: 'http_500' });
    odoo.faults = new FaultPlan();
  });
});

describe('square', () => {
  test('counts of a location are read by their time of calculation, with their SKUs', async () => {
    const sku = newSku();
    const counts = [{ quantity: '14', at: '2026-11-03T10:00:00Z' }];
    const square = await Emulator.start({
      initial: {},
      handle: ({ path, headers }) => {
        if (headers['authorization'] !== 'Bearer square-token') return { status: 401 };
        if (path === '/v2/catalog/batch-retrieve') {
          return { status: 200, body: { objects: [{ id: 'V1', item_variation_data: { sku } }] } };
        }
        return {
          status: 200,
          body: {
            counts: counts.map(({ quantity, at }) => ({
              catalog_object_id: 'V1',
              location_id: 'L1',
              state: 'IN_STOCK',
              quantity,
              calculated_at: at,
            })),
          },
        };
      },
    });
    try {
      await rig.put({
        sourceId: 'pos',
        kind: 'square',
        config: { baseUrl: square.url, locations: { L1: 'main' } },
        credentials: { accessToken: 'square-token' },
      });
      await rig.run('pos');
      expect(await rig.quantity(sku)).toBe(14);
      counts[0] = { quantity: '13', at: '2026-11-03T11:00:00Z' };
      await rig.run('pos');
      expect(await rig.quantity(sku)).toBe(13);
      const asked = square.journal.findLast(({ request }) => request.path.includes('counts'));
      const last = JSON.parse(asked?.request.body ?? '') as object;
      expect(last).toMatchObject({
        updated_after: '2026-11-03T09:59:00.000Z',
        states: ['IN_STOCK'],
      });
    } finally {
      await square.stop();
      await dropSources();
    }
  });
});

describe('shopify', () => {
  type Line = { sku: string; remainingQuantity: number };
  let orders: Line[][] = [];
  let shopify: Emulator<object>;
  beforeAll(async () => {
    shopify = await Emulator.start({ initial: {}, handle: answer });
    await rig.put({
      sourceId: 'shop',
      kind: 'shopify',
      config: {
        shopDomain: 'shop.myshopify.com',
        baseUrl: shopify.url,
        locations: { 'gid://shopify/Location/1': 'main' },
      },
      credentials: { accessToken: 'shpat_1' },
      owns: [{ quantity: 'openOrders' }],
      batchSize: 1,
    });
  });
  afterAll(async () => {
    await shopify.stop();
    await dropSources();
  });

  function answer({ headers, body }: EmulatedRequest) {
    if (headers['x-shopify-access-token'] !== 'shpat_1') return { status: 401 };
    const { variables } = JSON.parse(body) as { variables: { after: string | null } };
    const from = Number(variables.after ?? 0);
    const hasNextPage = from + 1 < orders.length;
    return {
      status: 200,
      body: {
        data: {
          fulfillmentOrders: {
            pageInfo: { hasNextPage, endCursor: String(from + 1) },
            nodes: orders.slice(from, from + 1).map((lines) => ({
              id: `gid://shopify/FulfillmentOrder/${from}`,
              status: 'OPEN',
              assignedLocation: { location: { id: 'gid://shopify/Location/1' } },
              lineItems: { pageInfo: { hasNextPage: false }, nodes: lines },
            })),
          },
        },
      },
    };
  }

  test('open orders are summed up over all of them, and shipped ones leave', async () => {
    const [a, b] = [newSku(), newSku()];
    await rig.put({ sourceId: 'count', owns: [{ quantity: 'onHand' }] });
    await rig.push('count', [
      { sku: a, value: 50 },
      { sku: b, value: 50 },
    ]);
    orders = [
      [
        { sku: a, remainingQuantity: 2 },
        { sku: b, remainingQuantity: 1 },
      ],
      [{ sku: a, remainingQuantity: 3 }],
    ];
    await rig.run('shop');
    const open = (): Promise<unknown> =>
      Promise.all([a, b].map((sku) => rig.quantity(sku, 'open_orders')));
    expect(await open()).toEqual([5, 1]);
    orders = [];
    expect(await rig.run('shop')).toMatchObject({ status: 'succeeded' });
    expect(await open()).toEqual([0, 0]);
  });

  test('a throttled answer is no answer', async () => {
    const body = { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] };
    shopify.faults = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 200, body } }]);
    expect(await rig.run('shop')).toMatchObject({ status: 'blocked', code: 'throttled' });
    shopify.faults = new FaultPlan();
  });
});
