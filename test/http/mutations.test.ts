import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { snapshotOf } from '../support/snapshot.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

let made = 0;
const id = (): string => `m-${(made += 1)}`;
const adjust = (sku: string, delta: number, more: object = {}) => ({
  id: id(),
  type: 'adjust',
  storeId: 'main',
  sku,
  delta,
  ...more,
});
const set = (sku: string, onHand: number, more: object = {}) => ({
  id: id(),
  type: 'set',
  storeId: 'main',
  sku,
  onHand,
  ...more,
});

function apply(mutations: readonly object[], more: object = {}, query = '') {
  return app.call('POST', `/api/mutations${query}`, { body: { mutations, ...more } });
}

test('each is applied, replayed or rejected by itself, in the order given', async () => {
  const first = set('a', 5);
  await apply([first]);
  const list = [
    adjust('a', -2),
    first,
    adjust('a', -9),
    adjust('b', 1, { storeId: 'nowhere' }),
    adjust('a', 1, { expectedVersion: 7 }),
    { ...first, onHand: 6 },
    adjust('b', 4, { quantity: 'incoming' }),
  ];
  const answer = await apply(list);
  expect(answer.status).toBe(200);
  expect(answer.body['results']).toMatchObject([
    { id: list[0]?.id, status: 'applied', version: 2, available: 3 },
    { id: first.id, status: 'replayed', version: 1, available: 5 },
    { status: 'rejected', code: 'STOCK.INSUFFICIENT' },
    { status: 'rejected', code: 'STORE.NOT_FOUND' },
    { status: 'rejected', code: 'STOCK.VERSION_CONFLICT' },
    { id: first.id, status: 'rejected', code: 'IDEMPOTENCY.KEY_REUSED' },
    { status: 'applied', version: 1, available: 0 },
  ]);
  expect(answer.list('results').map((result) => result['id'])).toEqual(list.map((m) => m.id));
});

test('of an atomic list all or none are applied', async () => {
  const before = await snapshotOf(app.core.pool, 'default');
  const refused = await apply([set('c', 5), adjust('c', -6), adjust('c', 1)], { atomic: true });
  expect(refused).toMatchObject({ status: 409, body: { code: 'MUTATIONS.REJECTED' } });
  expect(refused.body['results']).toMatchObject([
    { status: 'rejected', code: 'MUTATIONS.NOT_APPLIED' },
    { status: 'rejected', code: 'STOCK.INSUFFICIENT' },
    { status: 'rejected', code: 'MUTATIONS.NOT_APPLIED' },
  ]);
  expect(await snapshotOf(app.core.pool, 'default')).toEqual(before);
  const done = await apply([set('c', 5), adjust('c', -5)], { atomic: true });
  expect(done.body['results']).toMatchObject([{ status: 'applied' }, { available: 0 }]);
});

test('a dry run gives the same answer and changes nothing', async () => {
  await apply([set('d', 3)]);
  const list = [adjust('d', -2), adjust('d', -2), adjust('d', -1)];
  const before = await snapshotOf(app.core.pool, 'default');
  const headers = { 'Idempotency-Key': 'dry' };
  const dry = await app.call('POST', '/api/mutations?dryRun=true', {
    body: { mutations: list },
    headers,
  });
  const dryAtomic = await apply(list, { atomic: true }, '?dryRun=true');
  expect(dryAtomic).toMatchObject({ status: 409, body: { code: 'MUTATIONS.REJECTED' } });
  expect(await snapshotOf(app.core.pool, 'default')).toEqual(before);
  const real = await app.call('POST', '/api/mutations', { body: { mutations: list }, headers });
  expect(real.text).toBe(dry.text);
  expect(real.headers.get('idempotency-replayed')).toBeNull();
});

test('2,000 fit into one request, and none into another', async () => {
  const list = Array.from({ length: 2000 }, (_, index) => set(`bulk-${index % 700}`, index));
  const answer = await apply(list);
  expect(answer.status).toBe(200);
  expect(answer.list('results').every((result) => result['status'] === 'applied')).toBe(true);
  expect(await apply([])).toMatchObject({ status: 200, body: { results: [] } });
});
