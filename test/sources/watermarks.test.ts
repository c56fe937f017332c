import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Emulator } from '../../emulators/emulator.ts';
import { newId } from '../../src/ids.ts';
import { runSource } from '../../src/sources/index.ts';
import { merchantId, newSku } from '../support/stock.ts';
import { startQuantsOdoo, type Quant, type QuantsOdoo } from './quants-odoo.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Sources that are read by timestamps: nothing moves the watermark beyond what was seen in time.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
  await rig.pool.query('create schema erp');
  await rig.pool.query(
    `create table erp.stock (item text primary key, units numeric, changed_at timestamptz)`,
  );
});
afterAll(() => rig.close());
afterEach(async () => {
  await rig.pool.query('delete from source');
  await rig.pool.query('delete from erp.stock');
});

/** A run that ends after its first page. */
async function runOnePage(sourceId: string): Promise<void> {
  const stop = new AbortController();
  const run = { merchantId, sourceId, runId: newId('run'), trigger: 'request' } as const;
  const onPage = (): void => stop.abort();
  const result = await runSource(rig.context, { ...run, signal: stop.signal, onPage });
  expect(result).toMatchObject({ value: { status: 'interrupted', pages: 1 } });
}

const putTable = (batchSize: number) =>
  rig.put({
    sourceId: 'erp-db',
    kind: 'sql',
    config: {
      query: `select item as id, item as sku, units as value, changed_at as observed_at
              from erp.stock where changed_at >= :since`,
      storeId: 'main',
      quantity: 'onHand',
    },
    credentials: { url: rig.connectionString },
    batchSize,
  });
const write = (sku: string, units: number, at: string): Promise<unknown> =>
  rig.pool.query('insert into erp.stock values ($1, $2, $3)', [sku, units, at]);

describe('sql', () => {
  test('a row from the future leaves those that are written afterwards to be read', async () => {
    const [future, normal] = [newSku(), newSku()];
    await putTable(10);
    await write(future, 1, '2099-01-01T00:00:00Z');
    await rig.run('erp-db');
    await write(normal, 6, new Date().toISOString());
    await rig.run('erp-db');
    expect(await rig.quantity(normal)).toBe(6);
  });

  test('a row that is committed while a read stands still is not lost', async () => {
    const [a, b, late, newest] = [newSku(), newSku(), newSku(), newSku()];
    await putTable(2);
    await write(a, 1, '2026-11-01T12:00:00Z');
    await write(b, 2, '2026-11-01T12:00:01Z');
    await runOnePage('erp-db');
    await write(late, 3, '2026-11-01T11:59:59Z');
    await write(newest, 4, '2026-11-01T12:05:00Z');
    await rig.run('erp-db');
    expect(await rig.quantity(newest)).toBe(4);
    await rig.run('erp-db');
    expect(await rig.quantity(late)).toBe(3);
    // From then on the newest row counts again.
    expect(await rig.run('erp-db')).toMatchObject({ read: 1 });
  });
});

test('odoo: neither a change from the future nor one during a pause is lost', async () => {
  const odoo = await startQuantsOdoo();
  try {
    const { quants, codes } = odoo.state;
    await rig.put({
      sourceId: 'odoo',
      kind: 'odoo',
      config: { baseUrl: odoo.url, database: 'prod', locations: { '8': 'main' } },
      credentials: { apiKey: 'odoo-key' },
      batchSize: 2,
    });
    const skus = Array.from({ length: 6 }, newSku);
    codes.push(...skus.map((sku, id): [number, string] => [id, sku]));
    const change = (id: number, at: string): unknown =>
      quants.push({ id: 10 + id, product: id, location: 8, quantity: 5, reserved: 0, at });
    change(0, '2026-11-01 12:00:00');
    change(1, '2026-11-01 12:00:01');
    await runOnePage('odoo');
    change(2, '2026-11-01 11:59:59');
    change(3, '2026-11-01 12:05:00');
    change(4, '2099-01-01 00:00:00');
    await rig.run('odoo');
    await rig.run('odoo');
    expect(await rig.quantity(skus[2] ?? '')).toBe(5);
    change(5, new Date().toISOString().slice(0, 19).replace('T', ' '));
    await rig.run('odoo');
    expect(await rig.quantity(skus[5] ?? '')).toBe(5);
  } finally {
    await odoo.stop();
  }
});

const quant = (id: number, product: number, at: string): Quant => {
  return { id, product, location: 8, quantity: 5, reserved: 0, at };
};

describe('odoo, within one second', () => {
  let odoo: QuantsOdoo;
  const skus = Array.from({ length: 3 }, newSku);
  beforeEach(async () => {
    odoo = await startQuantsOdoo();
    odoo.state.codes.push(...skus.map((sku, id): [number, string] => [id, sku]));
    // What was written last has the lowest number.
    odoo.state.quants.push(
      quant(31, 1, '2026-11-01 12:00:00.100000'),
      quant(32, 2, '2026-11-01 12:00:00.200000'),
      quant(10, 0, '2026-11-01 12:00:00.300000'),
    );
    await rig.put({
      sourceId: 'odoo',
      kind: 'odoo',
      config: { baseUrl: odoo.url, database: 'prod', locations: { '8': 'main' } },
      credentials: { apiKey: 'odoo-key' },
      batchSize: 2,
    });
  });
  afterEach(() => odoo.stop());

  const figures = (): Promise<unknown[]> => Promise.all(skus.map((sku) => rig.quantity(sku)));

  test('no change is lost where a page ends', async () => {
    expect(await rig.run('odoo')).toMatchObject({ status: 'succeeded', pages: 2 });
    expect(await figures()).toEqual([5, 5, 5]);
  });

  test('a read that stood at a moment and a number is begun again', async () => {
    const [since, until] = ['2026-11-01 11:59:00', '2026-11-01 12:00:30'];
    const run = { since, until, after: ['2026-11-01 12:00:00', 32] };
    await rig.pool.query(`update source set watermark = $1 where source_id = 'odoo'`, [
      JSON.stringify({ newest: '2026-11-01 12:00:00', run }),
    ]);
    expect(await rig.run('odoo')).toMatchObject({ status: 'succeeded', pages: 2 });
    expect(await figures()).toEqual([5, 5, 5]);
  });
});

test('square: the next read begins before the first page of the one before', async () => {
  const asked: (string | undefined)[] = [];
  const square = await Emulator.start({
    initial: {},
    handle: ({ path, body }) => {
      if (path === '/v2/catalog/batch-retrieve') return { status: 200, body: { objects: [] } };
      const question = JSON.parse(body) as { updated_after?: string; cursor?: string };
      asked.push(question.updated_after);
      const count = { catalog_object_id: 'V1', location_id: 'L1', quantity: '3' };
      const counts = [{ ...count, calculated_at: '2099-01-01T00:00:00Z' }];
      const cursor = question.cursor === undefined ? { cursor: 'next' } : {};
      return { status: 200, body: { counts, ...cursor } };
    },
  });
  try {
    await rig.put({
      sourceId: 'pos',
      kind: 'square',
      config: { baseUrl: square.url, locations: { L1: 'main' } },
      credentials: { accessToken: 'square-token' },
    });
    await runOnePage('pos');
    const stoodAt = Date.now();
    await rig.run('pos');
    await rig.run('pos');
    expect(asked.slice(0, 2)).toEqual([undefined, undefined]);
    expect(Date.parse(asked[2] ?? '')).toBeLessThanOrEqual(stoodAt - 60_000);
  } finally {
    await square.stop();
  }
});
