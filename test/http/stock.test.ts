import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  await app.call('PUT', '/api/stores/back', { body: { kind: 'warehouse', name: 'Backroom' } });
});
afterAll(() => app.close());

let made = 0;
function newSku(): string {
  made += 1;
  return `sku ${made}/ü`;
}

function at(sku: string, store = 'main'): string {
  return `/api/inventory/stores/${store}/inventory/${encodeURIComponent(sku)}`;
}

async function counted(onHand: number, store = 'main', sku = newSku()): Promise<string> {
  await app.call('PUT', at(sku, store), { body: { onHand } });
  return sku;
}

describe('a level', () => {
  test('is created by a count, changed by the next, and shows its version as ETag', async () => {
    const sku = newSku();
    const first = await app.call('PUT', at(sku), { body: { onHand: 7, reason: 'count' } });
    expect(first).toMatchObject({ status: 201, body: { storeId: 'main', sku, onHand: 7 } });
    expect(first.headers.get('etag')).toBe('"1"');
    const second = await app.call('PUT', at(sku), { body: { onHand: 9 } });
    expect(second).toMatchObject({ status: 200, body: { onHand: 9, version: 2 } });
    const read = await app.call('GET', at(sku));
    expect(read.body).toEqual(second.body);
    expect(read.headers.get('etag')).toBe('"2"');
  });

  test('is not found before anything was there', async () => {
    expect(await app.call('GET', at(newSku()))).toMatchObject({
      status: 404,
      body: { code: 'STOCK.NOT_FOUND' },
    });
  });

  test.each([
    ['"1"', 304],
    ['W/"1"', 304],
    ['"9", "1"', 304],
    ['*', 304],
    ['"2"', 200],
    ['nonsense', 200],
  ])('If-None-Match %s gives %i at version 1', async (tag, status) => {
    const sku = await counted(3);
    const answer = await app.call('GET', at(sku), { headers: { 'If-None-Match': tag } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.text === '').toBe(status === 304);
  });

  test('is shown anew when a hold has ended that no sweep has written down', async () => {
    const sku = await counted(5);
    const hold = await app.call('POST', `${at(sku)}/reserve`, {
      body: { quantity: 2, ttlSeconds: 60 },
    });
    expect(hold).toMatchObject({ status: 201, body: { level: { reserved: 2, available: 3 } } });
    const tag = { 'If-None-Match': '"2"' };
    expect(await app.call('GET', at(sku), { headers: tag })).toMatchObject({ status: 304 });
    app.core.clock.offsetMs += 61_000;
    const later = await app.call('GET', at(sku), { headers: tag });
    expect(later).toMatchObject({ status: 200, body: { reserved: 0, available: 5, version: 2 } });
    app.core.clock.offsetMs = 0;
  });
});

describe('an adjustment', () => {
  test('changes on hand unless another quantity is named, and says so in the ledger', async () => {
    const sku = await counted(10);
    const body = {
      delta: -2,
      reason: 'sale',
      reference: 'till 1',
      sourceChannel: 'pos',
      occurredAt: '2026-01-02T03:04:05+01:00',
    };
    const sold = await app.call('POST', `${at(sku)}/adjust`, { body });
    expect(sold).toMatchObject({ status: 200, body: { onHand: 8, available: 8, version: 2 } });
    expect(sold.headers.get('etag')).toBe('"2"');
    const damaged = { delta: 3, quantity: 'unavailable' };
    expect(await app.call('POST', `${at(sku)}/adjust`, { body: damaged })).toMatchObject({
      body: { onHand: 8, unavailable: 3, available: 5 },
    });
    const ledger = await app.call('GET', `/api/ledger?sku=${encodeURIComponent(sku)}`);
    expect(ledger.body['items']).toMatchObject([
      { quantity: 'onHand', delta: 10, balanceAfter: 10, version: 1, actor: 'admin' },
      {
        quantity: 'onHand',
        delta: -2,
        balanceAfter: 8,
        version: 2,
        reason: 'sale',
        reference: 'till 1',
        sourceChannel: 'pos',
        occurredAt: '2026-01-02T02:04:05.000Z',
      },
      { quantity: 'unavailable', delta: 3, balanceAfter: 3, version: 3 },
    ]);
    const after = String(ledger.list()[1]?.['entryId']);
    const rest = await app.call('GET', `/api/ledger?sku=${encodeURIComponent(sku)}&after=${after}`);
    expect(rest.body['items']).toHaveLength(1);
  });

  test('is refused with the figures when it would leave less than nothing available', async () => {
    const sku = await counted(4);
    const answer = await app.call('POST', `${at(sku)}/adjust`, { body: { delta: -5 } });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'STOCK.INSUFFICIENT', available: 4, requested: 5 },
    });
  });

  test('that is a fact may oversell, which is listed and counts as such', async () => {
    const sku = await counted(4);
    await app.call('POST', `${at(sku)}/reserve`, { body: { quantity: 3 } });
    const guarded = await app.call('POST', `${at(sku)}/adjust`, { body: { delta: -2 } });
    expect(guarded.status).toBe(409);
    const body = { delta: -2, mode: 'fact' };
    const fact = await app.call('POST', `${at(sku)}/adjust`, { body });
    expect(fact).toMatchObject({ status: 200, body: { onHand: 2, available: -1 } });
    const listed = await app.call('GET', '/api/stock?oversold=true');
    expect(listed.list().map((item) => item['sku'])).toContain(sku);
    const low = await app.call('GET', '/api/stock?belowAvailable=0');
    expect(low.list().map((item) => item['sku'])).toContain(sku);
  });
});

describe('versions', () => {
  test.each([
    ['"2"', 200],
    ['W/"2"', 200],
    ['"7", "2"', 200],
    ['*', 200],
    ['"1"', 412],
    ['"7", "8"', 412],
  ])('If-Match %s gives %i at version 2', async (tag, status) => {
    const sku = await counted(3, 'main', await counted(5));
    const headers = { 'If-Match': tag };
    const answer = await app.call('POST', `${at(sku)}/adjust`, { body: { delta: 1 }, headers });
    expect(answer.status).toBe(status);
  });

  test('a refusal of If-Match carries the current level', async () => {
    const sku = await counted(5);
    const headers = { 'If-Match': '"7"' };
    const answer = await app.call('POST', `${at(sku)}/adjust`, { body: { delta: 1 }, headers });
    expect(answer.body).toMatchObject({
      code: 'STOCK.PRECONDITION_FAILED',
      level: { sku, version: 1, onHand: 5 },
    });
  });

  test('another expectedVersion is refused with the current level, by every command', async () => {
    const sku = await counted(3);
    const requests: [string, string, object][] = [
      ['PUT', at(sku), { onHand: 1 }],
      ['POST', `${at(sku)}/adjust`, { delta: 1 }],
      ['POST', `${at(sku)}/reserve`, { quantity: 1 }],
    ];
    for (const [method, path, body] of requests) {
      const stale = await app.call(method, path, { body: { ...body, expectedVersion: 0 } });
      expect(stale).toMatchObject({
        status: 409,
        body: { code: 'STOCK.VERSION_CONFLICT', level: { version: 1, onHand: 3 } },
      });
      const header = await app.call(method, path, { body, headers: { 'If-Match': '"9"' } });
      expect(header).toMatchObject({ status: 412, body: { level: { version: 1 } } });
    }
  });

  test('* is refused where there is no level', async () => {
    const answer = await app.call('PUT', at(newSku()), {
      body: { onHand: 1 },
      headers: { 'If-Match': '*' },
    });
    expect(answer).toMatchObject({ status: 412, body: { level: null } });
  });
});

describe('reading over stores and time', () => {
  test('the total of a SKU is the sum of its stores', async () => {
    const sku = await counted(3);
    await counted(4, 'back', sku);
    await app.call('POST', `${at(sku)}/reserve`, { body: { quantity: 1 } });
    const answer = await app.call('GET', `/api/stock/${encodeURIComponent(sku)}`);
    expect(answer.body).toMatchObject({
      sku,
      total: { onHand: 7, reserved: 1, available: 6 },
      stores: [{ storeId: 'back' }, { storeId: 'main' }],
    });
    expect(await app.call('GET', `/api/stock/${newSku().slice(0, 5)}x`)).toMatchObject({
      status: 404,
      body: { code: 'STOCK.NOT_FOUND' },
    });
  });

  test('available is explained by its terms', async () => {
    const sku = await counted(9);
    await app.call('POST', `${at(sku)}/reserve`, { body: { quantity: 2 } });
    const path = `/api/stock/${encodeURIComponent(sku)}/available`;
    const answer = await app.call('GET', `${path}?storeId=main&explain=true`);
    expect(answer.body).toMatchObject({ available: 7 });
    const terms = answer.list('terms');
    const value = (name: string): number =>
      Number(terms.find(({ quantity }) => quantity === name)?.['value']);
    expect(value('onHand')).toBe(9);
    expect(value('reserved')).toBe(2);
    expect(terms.every(({ source }) => source === 'onhand')).toBe(true);
    expect(await app.call('GET', path)).toMatchObject({ text: '{"available":7}' });
    expect(await app.call('GET', `${path}?storeId=back`)).toMatchObject({ status: 404 });
  });

  test('a level is shown as it stood at a time', async () => {
    const sku = await counted(5);
    const then = (await app.call('GET', at(sku))).get('updatedAt');
    await counted(8, 'main', sku);
    const path = `/api/stock/${encodeURIComponent(sku)}/as-of?storeId=main`;
    expect(await app.call('GET', `${path}&at=${then}`)).toMatchObject({
      status: 200,
      body: { onHand: 5, version: 1, updatedAt: then },
    });
    expect(await app.call('GET', `${path}&at=2999-01-01T00:00:00Z`)).toMatchObject({
      body: { onHand: 8, version: 2 },
    });
    for (const early of ['2000-01-01T00:00:00Z', '0000-01-01T00:00:00Z']) {
      expect(await app.call('GET', `${path}&at=${early}`)).toMatchObject({ status: 404 });
    }
    expect(await app.call('GET', path)).toMatchObject({ status: 422 });
  });

  test('a list can be narrowed to what changed', async () => {
    const sku = await counted(5);
    const since = (await app.call('GET', at(sku))).get('updatedAt');
    const query = `/api/stock?sku=${encodeURIComponent(sku)}&storeId=main`;
    expect((await app.call('GET', `${query}&updatedAfter=${since}`)).body['items']).toEqual([]);
    const early = '2000-01-01T00:00:00%2B02:00';
    expect((await app.call('GET', `${query}&updatedAfter=${early}`)).body['items']).toHaveLength(1);
  });
});

test('a store is created, changed by what is given, and listed', async () => {
  const made201 = await app.call('PUT', '/api/stores/pop%2Fup', { body: { name: 'Pop up' } });
  expect(made201).toMatchObject({ status: 201, body: { storeId: 'pop/up', kind: 'store' } });
  const again = await app.call('PUT', '/api/stores/pop%2Fup', { body: { kind: 'warehouse' } });
  expect(again).toMatchObject({ status: 200, body: { name: 'Pop up', kind: 'warehouse' } });
  expect(await app.call('GET', '/api/stores/pop%2Fup')).toMatchObject({ body: again.body });
  expect(await app.call('GET', '/api/stores/none')).toMatchObject({
    status: 404,
    body: { code: 'STORE.NOT_FOUND' },
  });
  const list = await app.call('GET', '/api/stores?limit=1');
  expect(list.body['items']).toHaveLength(1);
  expect(list.body['nextCursor']).not.toBeNull();
});
