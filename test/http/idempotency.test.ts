import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/api-client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

let made = 0;
async function newLevel(onHand = 100): Promise<string> {
  made += 1;
  const path = `/api/inventory/stores/main/inventory/thing-${made}`;
  await app.call('PUT', path, { body: { onHand } });
  return path;
}

function newKey(): string {
  made += 1;
  return `key-${made}`;
}

function keyed(path: string, key: string, body?: unknown): Promise<Answer> {
  const headers = { 'Idempotency-Key': key };
  return app.call('POST', path, body === undefined ? { headers } : { headers, body });
}

function expectReplay(again: Answer, first: Answer): void {
  expect(again.text).toBe(first.text);
  expect(again.status).toBe(first.status);
  expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
}

describe('the same key and the same request', () => {
  test('an adjustment is answered again byte for byte and applied once', async () => {
    const level = await newLevel();
    const key = newKey();
    const first = await keyed(`${level}/adjust`, key, { delta: -3, reason: 'sale' });
    await keyed(`${level}/adjust`, newKey(), { delta: -1 });
    // The order of members and a default that is spelt out do not make it another request.
    const body = { quantity: 'onHand', reason: 'sale', mode: 'guarded', delta: -3 };
    expectReplay(await keyed(`${level}/adjust`, key, body), first);
    expect((await app.call('GET', level)).body['onHand']).toBe(96);
  });

  test('three at once are one', async () => {
    const level = await newLevel();
    for (let round = 0; round < 20; round += 1) {
      const key = newKey();
      const answers = await Promise.all(
        [1, 2, 3].map(() => keyed(`${level}/adjust`, key, { delta: -1 })),
      );
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(2);
    }
    expect((await app.call('GET', level)).body['onHand']).toBe(80);
  });

  test.each<[string, (level: string) => [string, unknown]]>([
    ['a hold of a level', (level) => [`${level}/reserve`, { quantity: 1 }]],
    ['an order’s hold', (level) => ['/api/reservations', orderOf(level)]],
    ['a list of changes', (level) => ['/api/mutations', { mutations: [mutationOf(level)] }]],
    ['a new key', () => ['/api/keys', { name: 'till' }]],
    ['an event', (level) => ['/api/events', eventOf(level)]],
  ])('%s is answered again byte for byte', async (_name, request) => {
    const [path, body] = request(await newLevel());
    const key = newKey();
    const first = await keyed(path, key, body);
    expect(first.status).toBeLessThan(300);
    expectReplay(await keyed(path, key, body), first);
  });

  test('the steps of a reservation are answered again', async () => {
    const held = await app.call('POST', '/api/reservations', {
      body: orderOf(await newLevel()),
    });
    const path = `/api/reservations/${held.get('reservationId')}`;
    for (const [step, body] of [
      ['extend', { ttlSeconds: 60 }],
      ['commit', undefined],
    ] as const) {
      const key = newKey();
      const first = await keyed(`${path}/${step}`, key, body);
      expect(first.status).toBe(200);
      expectReplay(await keyed(`${path}/${step}`, key, body), first);
    }
  });

  test('a secret answer is stored encrypted', async () => {
    const key = newKey();
    const first = await keyed('/api/keys', key, { name: 'secret till' });
    const { rows } = await app.core.pool.query<{ body: string }>(
      'select body from idempotency_key where key = $1',
      [key],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.body).not.toContain(first.get('key'));
  });
});

describe('the same key and another request', () => {
  const reused = { status: 422, body: { code: 'IDEMPOTENCY.KEY_REUSED' } };

  test('is refused, whatever differs', async () => {
    const level = await newLevel();
    const key = newKey();
    await keyed(`${level}/adjust`, key, { delta: -3 });
    expect(await keyed(`${level}/adjust`, key, { delta: -4 })).toMatchObject(reused);
    expect(await keyed(`${level}/adjust`, key, { delta: -3, reason: 'x' })).toMatchObject(reused);
    expect(await keyed(`${await newLevel()}/adjust`, key, { delta: -3 })).toMatchObject(reused);
    expect(await keyed(`${level}/reserve`, key, { quantity: 3 })).toMatchObject(reused);
    expect(await keyed('/api/mutations', key, { mutations: [] })).toMatchObject(reused);
    expect(await keyed('/api/keys', key, { name: 'x' })).toMatchObject(reused);
    expect((await app.call('GET', level)).body['onHand']).toBe(97);
  });

  test('is refused after a request that was not one change of stock', async () => {
    const key = newKey();
    await keyed('/api/keys', key, { name: 'a' });
    expect(await keyed('/api/keys', key, { name: 'b' })).toMatchObject(reused);
    expect(await keyed(`${await newLevel()}/adjust`, key, { delta: 1 })).toMatchObject(reused);
  });
});

test('a refusal of stock is not remembered: after a restock the retry succeeds', async () => {
  const level = await newLevel(1);
  const key = newKey();
  expect((await keyed(`${level}/adjust`, key, { delta: -5 })).status).toBe(409);
  await app.call('PUT', level, { body: { onHand: 9 } });
  const retried = await keyed(`${level}/adjust`, key, { delta: -5 });
  expect(retried).toMatchObject({ status: 200, body: { onHand: 4 } });
  expect(retried.headers.get('idempotency-replayed')).toBeNull();
});

test('a refusal of a whole request is not remembered either', async () => {
  const level = await newLevel(1);
  const key = newKey();
  const body = { atomic: true, mutations: [{ ...mutationOf(level), delta: -5 }] };
  expect((await keyed('/api/mutations', key, body)).status).toBe(409);
  await app.call('PUT', level, { body: { onHand: 9 } });
  expect((await keyed('/api/mutations', key, body)).status).toBe(200);
});

test('a repeat waits for the first request with its key', async () => {
  const key = newKey();
  // As a first request in another process would, that is still at work.
  await app.core.pool.query(
    `insert into idempotency_key (merchant_id, key, fingerprint, created_at, expires_at)
     select 'default', $1, fingerprint, now(), now() + interval '1 minute'
     from idempotency_key where key = $2`,
    [key, await keyOf({ name: 'slow' })],
  );
  const waiting = keyed('/api/keys', key, { name: 'slow' });
  const early = await Promise.race([waiting, app.call('GET', '/api/health')]);
  expect(early.body['status']).toBe('ok');
  await app.core.pool.query('delete from idempotency_key where key = $1', [key]);
  expect((await waiting).status).toBe(201);
});

async function keyOf(body: unknown): Promise<string> {
  const key = newKey();
  await keyed('/api/keys', key, body);
  return key;
}

test('an adjustment in a list is the same request as the one by itself', async () => {
  const level = await newLevel();
  const key = newKey();
  const first = await keyed(`${level}/adjust`, key, { delta: -3, reason: 'sale' });
  const mutation = { ...mutationOf(level), id: key, delta: -3, reason: 'sale' };
  const listed = await app.call('POST', '/api/mutations', { body: { mutations: [mutation] } });
  const { version, available } = first.body;
  expect(listed.body).toEqual({ results: [{ id: key, status: 'replayed', version, available }] });
});

test('a list may bear the name of one of its own changes', async () => {
  const level = await newLevel();
  const key = newKey();
  const body = { mutations: [{ ...mutationOf(level), id: key }] };
  const first = await keyed('/api/mutations', key, body);
  expect(first.body['results']).toMatchObject([{ status: 'applied' }]);
  expectReplay(await keyed('/api/mutations', key, body), first);
});

function skuOf(level: string): string {
  return level.slice(level.lastIndexOf('/') + 1);
}

function orderOf(level: string): unknown {
  return { orderId: newKey(), lines: [{ storeId: 'main', sku: skuOf(level), quantity: 1 }] };
}

function mutationOf(level: string) {
  return { id: newKey(), type: 'adjust', storeId: 'main', sku: skuOf(level), delta: -1 };
}

function eventOf(level: string): unknown {
  const data = { storeId: 'main', sku: skuOf(level), delta: -1 };
  return { id: newKey(), source: 'pos', type: 'inventory.adjusted', data };
}
