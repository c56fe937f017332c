import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import type { CallOptions } from '../support/api-client.ts';
import { snapshotOf } from '../support/snapshot.ts';

// Every line: a request that is refused with a code, and changes nothing.

let app: TestApp;
let reservationId = '';

beforeAll(async () => {
  app = await startTestApp();
  await app.call('PUT', level('shirt'), { body: { onHand: 10 } });
  const held = await app.call('POST', '/api/reservations', {
    body: { orderId: 'o1', lines: [{ storeId: 'main', sku: 'shirt', quantity: 1 }] },
  });
  reservationId = held.get('reservationId');
});
afterAll(() => app.close());

function level(sku: string, store = 'main'): string {
  return `/api/inventory/stores/${store}/inventory/${sku}`;
}

const adjust = `${level('shirt')}/adjust`;
const long = 'x'.repeat(129);
const text256 = 'x'.repeat(256);
const max = 2_147_483_647;

/** What a request comes to: its refusal, where it is wrong, and whether it changed anything. */
async function outcomeOf(method: string, path: string, options: CallOptions) {
  const before = await snapshotOf(app.core.pool, 'default');
  const answer = await app.call(method, path.replace('{id}', reservationId), options);
  const after = await snapshotOf(app.core.pool, 'default');
  return {
    status: answer.status,
    code: answer.body['code'],
    at: (answer.list('errors') ?? []).map((error) => error['path']),
    hasChanged: JSON.stringify(after) !== JSON.stringify(before),
  };
}

/** A request that is not valid at one place, and has changed nothing. */
function invalidAt(path: string) {
  const at = expect.arrayContaining([path]) as string[];
  return { status: 422, code: 'REQUEST.INVALID', at, hasChanged: false };
}

describe('bodies that cannot be read', () => {
  test.each<[string, CallOptions, number, string]>([
    ['cut off JSON', { raw: '{"delta":' }, 400, 'REQUEST.MALFORMED'],
    ['no JSON at all', { raw: 'delta=1' }, 400, 'REQUEST.MALFORMED'],
    ['an empty body', { raw: '' }, 400, 'REQUEST.MALFORMED'],
    ['no body', {}, 400, 'REQUEST.MALFORMED'],
    ['bad UTF-8', { raw: badUtf8 }, 400, 'REQUEST.MALFORMED'],
    ['a byte order mark', { raw: '\ufeff{"delta":1}' }, 400, 'REQUEST.MALFORMED'],
    ['too much', { raw: `{"reason":"${'x'.repeat(1_100_000)}"}` }, 413, 'REQUEST.TOO_LARGE'],
    ['text', { raw: '{"delta":1}', headers: { 'content-type': 'text/plain' } }, 415, type415],
    ['a form', { raw: 'delta=1', headers: { 'content-type': formType } }, 415, type415],
    ['an event', { raw: '{"delta":1}', headers: { 'content-type': eventsType } }, 415, type415],
    ['Latin-1', { raw: '{"delta":1}', headers: { 'content-type': latin } }, 415, type415],
    ['gzip', { raw: '{"delta":1}', headers: { 'content-encoding': 'gzip' } }, 415, type415],
  ])('%s', async (_name, options, status, code) => {
    const outcome = await outcomeOf('POST', adjust, options);
    expect(outcome).toMatchObject({ status, code, hasChanged: false });
  });

  test('too much that comes without its length', async () => {
    const before = await snapshotOf(app.core.pool, 'default');
    const chunk = new TextEncoder().encode('x'.repeat(65_536));
    let chunks = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        if (chunks > 40) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const answer = await fetch(`${app.url}${adjust}`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-admin-key', 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'REQUEST.TOO_LARGE' });
    expect(await snapshotOf(app.core.pool, 'default')).toEqual(before);
  });
});

// Valid JSON but for one byte.
const badUtf8 = new Uint8Array(Buffer.from('{"delta":1,"reason":"\xff"}', 'latin1'));
const type415 = 'REQUEST.UNSUPPORTED_TYPE';
const formType = 'application/x-www-form-urlencoded';
const eventsType = 'application/cloudevents+json';
const latin = 'application/json; charset=iso-8859-1';

describe('values of an adjustment', () => {
  test.each<[unknown, string]>([
    [{}, 'delta'],
    [[], ''],
    ['text', ''],
    [null, ''],
    [{ delta: '1' }, 'delta'],
    [{ delta: 1.5 }, 'delta'],
    [{ delta: max + 1 }, 'delta'],
    [{ delta: -max - 1 }, 'delta'],
    [{ delta: 1e300 }, 'delta'],
    [{ delta: null }, 'delta'],
    [{ delta: true }, 'delta'],
    [{ delta: 1, colour: 'red' }, 'colour'],
    [{ delta: 1, onHand: 5 }, 'onHand'],
    [{ delta: 1, quantity: 'reserved' }, 'quantity'],
    [{ delta: 1, quantity: 'toString' }, 'quantity'],
    [{ delta: 1, mode: 'force' }, 'mode'],
    [{ delta: 1, reason: text256 }, 'reason'],
    [{ delta: 1, reason: 'a\u0000b' }, 'reason'],
    [{ delta: 1, reference: '\ud800' }, 'reference'],
    [{ delta: 1, sourceChannel: 5 }, 'sourceChannel'],
    [{ delta: 1, expectedVersion: -1 }, 'expectedVersion'],
    [{ delta: 1, expectedVersion: 1.5 }, 'expectedVersion'],
    [{ delta: 1, expectedVersion: 2 ** 53 }, 'expectedVersion'],
    [{ delta: 1, occurredAt: '2026-11-21' }, 'occurredAt'],
    [{ delta: 1, occurredAt: '2026-11-21T00:00:00' }, 'occurredAt'],
    [{ delta: 1, occurredAt: '2026-02-30T00:00:00Z' }, 'occurredAt'],
    [{ delta: 1, occurredAt: '2999-01-01T00:00:00Z' }, 'occurredAt'],
    [{ delta: 1, occurredAt: '1969-12-31T23:59:59Z' }, 'occurredAt'],
    [{ delta: 1, occurredAt: 1_700_000_000 }, 'occurredAt'],
  ])('%j is refused at %s', async (body, at) => {
    expect(await outcomeOf('POST', adjust, { body })).toEqual(invalidAt(at));
  });

  test('a member named __proto__ is an unknown field', async () => {
    const raw = '{"delta":1,"__proto__":{"mode":"fact"}}';
    expect(await outcomeOf('POST', adjust, { raw })).toEqual(invalidAt('__proto__'));
  });
});

describe('values of other requests', () => {
  const line = { storeId: 'main', sku: 'shirt', quantity: 1 };
  const one = { id: 'm', type: 'adjust', storeId: 'main', sku: 'shirt', delta: 1 };
  const event = { id: 'e1', source: 'shop', type: 'inventory.adjusted' };
  const events = '/api/events';
  const webhook = { kind: 'webhook', config: { url: 'http://127.0.0.1:1/' } };
  test.each<[string, string, unknown, string]>([
    ['PUT', level('shirt'), { onHand: -1 }, 'onHand'],
    ['PUT', level('shirt'), { onHand: max + 1 }, 'onHand'],
    ['PUT', level('shirt'), { delta: 1 }, 'onHand'],
    ['POST', `${level('shirt')}/reserve`, { quantity: 0 }, 'quantity'],
    ['POST', `${level('shirt')}/reserve`, { quantity: 1, ttlSeconds: 0 }, 'ttlSeconds'],
    ['POST', `${level('shirt')}/reserve`, { quantity: 1, orderId: '' }, 'orderId'],
    ['POST', '/api/reservations', { orderId: 'x', lines: [] }, 'lines'],
    ['POST', '/api/reservations', { lines: [line] }, 'orderId'],
    ['POST', '/api/reservations', { orderId: text256, lines: [line] }, 'orderId'],
    [
      'POST',
      '/api/reservations',
      { orderId: 'x', lines: Array.from({ length: 1001 }, () => line) },
      'lines',
    ],
    [
      'POST',
      '/api/reservations',
      { orderId: 'x', lines: [{ ...line, quantity: -1 }] },
      'lines.0.quantity',
    ],
    ['POST', '/api/reservations', { orderId: 'x', lines: [{ ...line, sku: '' }] }, 'lines.0.sku'],
    ['POST', '/api/reservations', { orderId: 'x', lines: [{ ...line, sku: '..' }] }, 'lines.0.sku'],
    ['POST', '/api/reservations', { orderId: 'x', lines: [line], ttlSeconds: 4e7 }, 'ttlSeconds'],
    ['POST', '/api/reservations/{id}/extend', { ttlSeconds: '60' }, 'ttlSeconds'],
    ['POST', '/api/reservations/{id}/commit', { force: true }, 'force'],
    ['POST', '/api/reservations/{id}/release', [], ''],
    ['POST', '/api/mutations', { mutations: Array.from({ length: 2001 }, () => one) }, 'mutations'],
    ['POST', '/api/mutations', { mutations: [{ ...one, type: 'add' }] }, 'mutations.0.type'],
    ['POST', '/api/mutations', { mutations: [{ ...one, id: '' }] }, 'mutations.0.id'],
    ['POST', '/api/mutations', { mutations: [{ ...one, sku: long }] }, 'mutations.0.sku'],
    ['POST', '/api/mutations', { mutations: [{ ...one, sku: 'a\u0000' }] }, 'mutations.0.sku'],
    ['POST', '/api/mutations', { mutations: [one, { ...one, onHand: 1 }] }, 'mutations.1.onHand'],
    ['POST', '/api/mutations', { mutations: [one], atomic: 'yes' }, 'atomic'],
    ['POST', '/api/mutations', [], ''],
    ['PUT', '/api/stores/main', { kind: 'shop' }, 'kind'],
    ['PUT', '/api/stores/main', { name: text256 }, 'name'],
    ['PUT', `/api/stores/${long}`, {}, 'storeId'],
    ['PUT', '/api/merchants/a%00', {}, 'merchantId'],
    ['POST', '/api/keys', { name: '' }, 'name'],
    ['POST', '/api/keys', { name: 'x', role: 'root' }, 'role'],
    ['POST', events, { ...event, data: { storeId: 'main', sku: 'shirt' } }, 'data.delta'],
    ['POST', events, { ...event, data: { ...line, delta: 1 } }, 'data.quantity'],
    ['POST', events, { ...event }, 'data'],
    ['POST', events, { ...event, id: 'a\u001fb', data: {} }, 'id'],
    ['POST', events, { ...event, specversion: '0.3', data: {} }, 'specversion'],
    ['POST', events, { ...event, dataContentType: 'x', data: {} }, 'dataContentType'],
    ['POST', events, { ...event, extension: { deep: 1 }, data: {} }, 'extension'],
    ['PUT', '/api/channels/c', { config: {} }, 'kind'],
    ['PUT', '/api/channels/c', { kind: 'webhook', config: {} }, 'config.url'],
    ['PUT', '/api/channels/c', { kind: 'webhook', config: { url: 'ftp://x' } }, 'config.url'],
    ['PUT', '/api/channels/c', { kind: 'webhook', config: { url: 'a\u0000' } }, 'config'],
    ['PUT', '/api/channels/c', { ...webhook, credentials: { secret: 'x' } }, 'credentials.secret'],
    ['PUT', '/api/channels/c', { ...webhook, timeoutMs: 0 }, 'timeoutMs'],
    ['PUT', '/api/channels/c', { ...webhook, mode: 'some' }, 'mode'],
    ['PUT', '/api/channels/c', { ...webhook, buffer: { units: -1 } }, 'buffer.units'],
    ['PUT', '/api/channels/c/listings/main/shirt', {}, 'externalIds'],
    ['PUT', '/api/channels/c/listings/main/shirt', { externalIds: { a: [] } }, 'externalIds.a'],
    ['POST', '/api/channels/c/listings', { listings: [{ storeId: 'main' }] }, 'listings.0.sku'],
    ['POST', '/api/channels/c/pause', { now: true }, 'now'],
    ['POST', '/api/dead-letters/redrive', { ids: 'all' }, 'ids'],
    ['POST', events, { ...event, type: 'order.confirmed', data: { orderId: 'x' } }, 'data.lines'],
  ])('%s %s %j is refused at %s', async (method, path, body, at) => {
    expect(await outcomeOf(method, path, { body })).toEqual(invalidAt(at));
  });

  test.each([
    ['PUT', '/api/channels/c', { kind: 'fax', config: {} }, 422, 'CHANNEL.UNKNOWN_KIND'],
    ['POST', '/api/channels/none/pause', {}, 404, 'CHANNEL.NOT_FOUND'],
    ['POST', '/api/channels/none/listings', { listings: [] }, 404, 'CHANNEL.NOT_FOUND'],
  ])('%s %s %j is %i %s for channels', async (method, path, body, status, code) => {
    const outcome = await outcomeOf(method, path, { body });
    expect(outcome).toMatchObject({ status, code, hasChanged: false });
  });

  test.each([[{}], [{ 'Idempotency-Key': 'deep' }]])(
    'an event whose data nests too deep, with the headers %j',
    async (headers) => {
      const data = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
      const raw = `${JSON.stringify(event).slice(0, -1)},"data":${data}}`;
      expect(await outcomeOf('POST', events, { raw, headers })).toEqual(invalidAt('data'));
    },
  );

  test('an event of an unknown type', async () => {
    const body = { ...event, type: 'order.dreamt', data: {} };
    const outcome = await outcomeOf('POST', events, { body });
    expect(outcome).toMatchObject({ code: 'EVENT.UNKNOWN_TYPE', hasChanged: false });
  });
});

describe('paths', () => {
  test.each([
    [level('%00'), 'sku'],
    [level('a%0Ab'), 'sku'],
    [level(long), 'sku'],
    [level('a', '%7F'), 'storeId'],
  ])('%s is refused at %s', async (path, at) => {
    expect(await outcomeOf('PUT', path, { body: { onHand: 1 } })).toEqual(invalidAt(at));
  });

  test.each([
    [level('%zz'), 400, 'REQUEST.MALFORMED'],
    [level('%'), 400, 'REQUEST.MALFORMED'],
    [level('%ff'), 400, 'REQUEST.MALFORMED'],
    [level('%ED%A0%80'), 400, 'REQUEST.MALFORMED'],
    [level('shirt', 'nowhere'), 404, 'STORE.NOT_FOUND'],
  ])('%s is %i %s', async (path, status, code) => {
    const outcome = await outcomeOf('PUT', path, { body: { onHand: 1 } });
    expect(outcome).toMatchObject({ status, code, hasChanged: false });
  });
});

describe('headers', () => {
  const body = { delta: 1 };
  test.each([
    ['Idempotency-Key', ''],
    ['Idempotency-Key', text256],
    ['Idempotency-Key', 'a\tb'],
    ['If-Match', '7'],
    ['If-Match', '"7'],
    ['If-Match', '"7",,'],
  ])('%s: %s is refused', async (name, value) => {
    const outcome = await outcomeOf('POST', adjust, { body, headers: { [name]: value } });
    expect(outcome).toEqual(invalidAt(name));
  });

  test.each(['"99"', '"abc"', 'W/"99", "98"'])('If-Match: %s matches nothing', async (tag) => {
    const outcome = await outcomeOf('POST', adjust, { body, headers: { 'If-Match': tag } });
    const code = 'STOCK.PRECONDITION_FAILED';
    expect(outcome).toMatchObject({ status: 412, code, hasChanged: false });
  });
});

describe('what stock refuses', () => {
  const unknown = { storeId: 'nowhere', sku: 'shirt', quantity: 1 };
  const much = { storeId: 'main', sku: 'shirt', quantity: 6 };
  test.each<[string, string, unknown, number, string]>([
    ['POST', adjust, { delta: -11 }, 409, 'STOCK.INSUFFICIENT'],
    ['POST', adjust, { delta: -11, mode: 'fact' }, 409, 'STOCK.INSUFFICIENT'],
    ['POST', adjust, { delta: max }, 409, 'STOCK.OUT_OF_RANGE'],
    ['POST', adjust, { delta: 1, expectedVersion: 99 }, 409, 'STOCK.VERSION_CONFLICT'],
    ['POST', `${level('none')}/adjust`, { delta: 0 }, 404, 'STOCK.NOT_FOUND'],
    ['POST', `${level('none')}/adjust`, { delta: -1 }, 409, 'STOCK.INSUFFICIENT'],
    ['POST', `${level('x', 'nowhere')}/adjust`, { delta: 1 }, 404, 'STORE.NOT_FOUND'],
    ['POST', '/api/reservations', { orderId: 'o', lines: [unknown] }, 404, 'STORE.NOT_FOUND'],
    // The same SKU twice is added up.
    ['POST', '/api/reservations', { orderId: 'o', lines: [much, much] }, 409, 'STOCK.INSUFFICIENT'],
    ['POST', '/api/reservations/rsv_none/commit', undefined, 404, 'RESERVATION.NOT_FOUND'],
  ])('%s %s %j is %i %s', async (method, path, body, status, code) => {
    const outcome = await outcomeOf(method, path, body === undefined ? {} : { body });
    expect(outcome).toMatchObject({ status, code, hasChanged: false });
  });
});

test.each([
  'a%2Fb',
  'a%20b',
  '100%25',
  'a%252Fb',
  '%22',
  "'",
  '%F0%9F%98%80',
  '%C3%BC',
  '...',
  '%3F%23',
])('a SKU may be anything else: %s', async (encoded) => {
  const sku = decodeURIComponent(encoded);
  const made = await app.call('PUT', level(encoded), { body: { onHand: 4 } });
  expect(made).toMatchObject({ status: 201, body: { sku, onHand: 4 } });
  const read = await app.call('GET', level(encoded));
  expect(read).toMatchObject({ status: 200, body: { sku, onHand: 4 } });
  const all = await app.call('GET', `/api/stock/${encoded}`);
  expect(all).toMatchObject({ status: 200, body: { sku } });
  const listed = await app.call('GET', `/api/stock?sku=${encodeURIComponent(sku)}`);
  expect(listed.body['items']).toMatchObject([{ sku }]);
});

test('an id of 128 characters may be of 128 emoji', async () => {
  const sku = encodeURIComponent('😀'.repeat(128));
  expect(await app.call('PUT', level(sku), { body: { onHand: 1 } })).toMatchObject({ status: 201 });
  expect(await app.call('PUT', level(`${sku}x`), { body: { onHand: 1 } })).toMatchObject({
    status: 422,
  });
});
