import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recomputeBuffers } from '../../src/safety-stock/index.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

// The contract of safety stock and of what can be sold; what rules come to is tested with them.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { SNAPSHOT_EVERY_N_EVENTS: '4' } });
  await app.call('PUT', '/api/stores/berlin');
});
afterAll(() => app.close());

const path = '/api/safety-buffers';
const put = (body: object) => app.call('PUT', path, { body });

describe('rules', () => {
  test('are made, replaced, listed in pages and taken away', async () => {
    const rule = { sku: 'cup', strategy: 'static', units: 3 };
    const made = await put(rule);
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toEqual({
      ...rule,
      category: null,
      storeId: null,
      percentage: null,
      leadTimeDays: null,
      serviceLevel: null,
      windowDays: null,
      updatedAt: made.get('updatedAt'),
    });
    expect(await put({ ...rule, strategy: 'dynamic' })).toMatchObject({
      status: 200,
      body: { strategy: 'dynamic', units: 3 },
    });
    await put({ strategy: 'static', units: 1 });
    await put({ category: 'shoes', storeId: 'main', strategy: 'velocity_based', windowDays: 14 });
    const first = await app.call('GET', `${path}?limit=2`);
    expect(first.list()).toMatchObject([{ sku: null, category: null }, { sku: 'cup' }]);
    const second = await app.call('GET', `${path}?limit=2&cursor=${first.get('nextCursor')}`);
    expect(second.body).toMatchObject({ items: [{ category: 'shoes' }], nextCursor: null });
    expect((await app.call('GET', `${path}?storeId=main`)).list()).toHaveLength(1);
    expect(await app.call('DELETE', `${path}?sku=cup&storeId=main`)).toMatchObject({
      status: 404,
      body: { code: 'SAFETY_BUFFER.NOT_FOUND' },
    });
    for (const query of ['?sku=cup', '', '?category=shoes&storeId=main']) {
      expect(await app.call('DELETE', `${path}${query}`)).toMatchObject({ status: 204 });
    }
    expect((await app.call('GET', path)).list()).toEqual([]);
  });

  test.each([
    [{ sku: 'cup', category: 'shoes', strategy: 'static' }, 422, 'SAFETY_BUFFER.SCOPE_INVALID'],
    [{ storeId: 'nowhere', strategy: 'static' }, 404, 'STORE.NOT_FOUND'],
    [{ strategy: 'gut feeling' }, 422, 'REQUEST.INVALID'],
    [{ strategy: 'static', units: -1 }, 422, 'REQUEST.INVALID'],
    [{ strategy: 'dynamic', percentage: 101 }, 422, 'REQUEST.INVALID'],
    [{ strategy: 'velocity_based', serviceLevel: 1 }, 422, 'REQUEST.INVALID'],
    [{ strategy: 'velocity_based', windowDays: 1 }, 422, 'REQUEST.INVALID'],
  ])('%j is refused with %d', async (body, status, code) => {
    expect(await put(body)).toMatchObject({ status, body: { code } });
  });
});

test('SKUs are put into categories, and out of them', async () => {
  const categories = `${path}/categories`;
  const items = [
    { sku: 'boot', category: 'shoes' },
    { sku: 'clog', category: 'shoes' },
    { sku: 'hat', category: 'hats' },
  ];
  const body = { items };
  expect((await app.call('PUT', categories, { body })).body).toEqual({ changed: 3 });
  expect((await app.call('PUT', categories, { body })).body).toEqual({ changed: 0 });
  const out = { items: [{ sku: 'clog', category: null }] };
  expect((await app.call('PUT', categories, { body: out })).body).toEqual({ changed: 1 });
  expect((await app.call('GET', `${categories}?category=shoes`)).list()).toEqual([items[0]]);
  const first = await app.call('GET', `${categories}?limit=1`);
  const second = await app.call('GET', `${categories}?limit=1&cursor=${first.get('nextCursor')}`);
  expect([...first.list(), ...second.list()]).toEqual([items[0], items[2]]);
});

test('what is kept is explained by its rule; what is to be done is pending', async () => {
  for (const storeId of ['main', 'berlin']) {
    const level = `/api/inventory/stores/${storeId}/inventory/lamp`;
    await app.call('PUT', level, { body: { onHand: 30 } });
  }
  await put({ sku: 'lamp', storeId: 'main', strategy: 'dynamic', percentage: 50 });
  const status = () => app.call('GET', `${path}/status`);
  expect((await status()).body).toMatchObject({
    pending: true,
    defaults: { strategy: 'static', units: 0, windowDays: 28 },
  });
  const done = await recomputeBuffers(app.core.buffers, 'default');
  expect((await status()).body).toMatchObject({ pending: false, ...done });
  expect(await app.call('POST', `${path}/recompute`)).toMatchObject({ status: 202 });
  expect((await status()).body).toMatchObject({ pending: true });
  const kept = await app.call('GET', '/api/stock/lamp/safety-stock');
  expect(kept.list('stores')).toMatchObject([
    { storeId: 'berlin', safetyStock: 0, wanted: 0, rule: null, demand: null },
    { storeId: 'main', safetyStock: 15, wanted: 15, rule: { percentage: 50 } },
  ]);
  const total = await app.call('GET', '/api/stock/lamp/available?explain=true');
  expect(total.body).toMatchObject({
    available: 45,
    stores: [
      { storeId: 'berlin', available: 30 },
      { storeId: 'main', available: 15 },
    ],
  });
  expect(await app.call('GET', '/api/stock/nothing/safety-stock')).toMatchObject({ status: 404 });
});

const terms = async (query: string) =>
  (await app.call('GET', `/api/stock/owned/available?explain=true${query}`)).list('terms');

test('a total names the owner where it is one, and says so where there are several', async () => {
  const changes = ['main', 'berlin'].map((storeId, index) => ({
    id: `owner-${index}`,
    sku: 'owned',
    storeId,
    quantity: 'onHand',
    op: 'set',
    value: 5,
    observedAt: `2026-11-0${index + 1}T00:00:00.000Z`,
  }));
  for (const [index, change] of changes.entries()) {
    const owns = [{ quantity: 'onHand', stores: [change.storeId] }];
    await app.call('PUT', `/api/sources/erp-${index}`, { body: { kind: 'push', owns } });
    await app.call('POST', `/api/sources/erp-${index}/changes`, { body: { items: [change] } });
  }
  expect((await terms('&storeId=berlin'))[0]).toMatchObject({
    quantity: 'onHand',
    value: 5,
    source: 'erp-1',
    observedAt: '2026-11-02T00:00:00.000Z',
  });
  // As old as its oldest part.
  expect((await terms(''))[0]).toMatchObject({
    value: 10,
    source: 'several',
    observedAt: '2026-11-01T00:00:00.000Z',
  });
});

test('what sources and rules change is snapshot as often as the settings say', async () => {
  await app.call('PUT', '/api/sources/tills', {
    body: { kind: 'push', owns: [{ quantity: 'pendingSales' }] },
  });
  for (let version = 1; version <= 6; version += 1) {
    const item = { sku: 'often', storeId: 'main', quantity: 'pendingSales', op: 'set' };
    const more = { id: `${version}`, value: version, observedAt: new Date().toISOString() };
    const items = [{ ...item, ...more, version }];
    await app.call('POST', '/api/sources/tills/changes', { body: { items } });
  }
  const { rows } = await app.core.pool.query<{ version: number }>(
    `select version from stock_snapshot where sku = 'often' order by version`,
  );
  expect(rows.map(({ version }) => version)).toEqual([2, 4, 6]);
});
