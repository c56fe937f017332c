import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Operation } from '../../src/http/operation.ts';
import { operationsOf } from '../../src/http/routes/index.ts';
import type { Answer } from '../support/api-client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { snapshotOf } from '../support/snapshot.ts';

// Every route, walked with another merchant's key: the first merchant's things are not there, and
// stay as they are. Everything of the first merchant has a name with `ours` in it.

let app: TestApp;
/** The path parameters of things that are there, by the names in the paths. */
let ours: Record<string, string> = {};
let theirKey = '';

const operations = operationsOf({ version: 'test' }).filter(({ access }) => access !== 'open');
const routeOf = ({ method, path }: Operation): string => `${method.toUpperCase()} ${path}`;

beforeAll(async () => {
  app = await startTestApp();
  await app.call('PUT', '/api/stores/ours-store', { body: { name: 'ours' } });
  const level = '/api/inventory/stores/ours-store/inventory/ours-sku';
  await app.call('PUT', level, { body: { onHand: 50, reason: 'ours' } });
  const lines = [{ storeId: 'ours-store', sku: 'ours-sku', quantity: 2 }];
  const held = await app.call('POST', '/api/reservations', {
    body: { orderId: 'ours-order', lines },
  });
  const key = await app.call('POST', '/api/keys', { body: { name: 'ours-key' } });
  ours = {
    storeId: 'ours-store',
    sku: 'ours-sku',
    reservationId: held.get('reservationId'),
    keyId: key.get('keyId'),
    merchantId: 'default',
    channelId: 'ours-channel',
    sourceId: 'ours-source',
    quarantineId: 'qtn_ours',
    webhookId: 'ours-webhook',
    driftId: 'drf_ours',
  };
  const config = { url: 'http://127.0.0.1:1/ours' };
  await app.call('PUT', '/api/channels/ours-channel', { body: { kind: 'webhook', config } });
  await app.call('PUT', '/api/channels/ours-channel/listings/ours-store/ours-sku', {
    body: { externalIds: { id: 'ours-external' } },
  });
  await app.core.pool.query(
    `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
       created_at, updated_at)
     values ('default', 'dlv_ours', 'ours-channel', gen_random_uuid(), 'dead', 1, now(), now())`,
  );
  await app.call('PUT', '/api/sources/ours-source', {
    body: { kind: 'push', owns: [{ quantity: 'onHand', stores: ['ours-store'] }] },
  });
  await app.core.pool.query(
    `insert into source_quarantine (merchant_id, quarantine_id, source_id, sku, location_id,
       quantity, current_value, value, observed_at, item, cause, status, run_id, created_at)
     values ('default', 'qtn_ours', 'ours-source', 'ours-sku', 'ours-store', 'on_hand', 50, 0,
       now(), '{}', 'mass_zero', 'pending', 'run_ours', now())`,
  );
  await app.core.pool.query(
    `insert into inbox_webhook (merchant_id, channel_id, webhook_id, topic, headers, body, status,
       due_at, received_at)
     values ('default', 'ours-channel', 'ours-webhook', 'order', '{}', '', 'poison', now(), now())`,
  );
  await app.core.pool.query(
    `insert into inbound_order (merchant_id, channel_id, order_id, revision, status, occurred_at,
       updated_at)
     values ('default', 'ours-channel', 'ours-order', 1, 'confirmed', now(), now())`,
  );
  await app.core.pool.query(
    `insert into inbound_line (merchant_id, channel_id, order_id, line_id, channel_sku, wanted)
     values ('default', 'ours-channel', 'ours-order', 'ours-line', 'SKU', 1)`,
  );
  await app.core.pool.query(
    `insert into drift (merchant_id, drift_id, sku, location_id, channel_id, expected, observed,
       units, cause, action, status)
     values ('default', 'drf_ours', 'ours-sku', 'ours-store', 'ours-channel', 5, 3, 2,
       'channel_changed', 'send_ours', 'pending')`,
  );
  await app.call('PUT', '/api/safety-buffers', {
    body: { sku: 'ours-sku', strategy: 'static', units: 5 },
  });
  await app.call('PUT', '/api/safety-buffers/categories', {
    body: { items: [{ sku: 'ours-sku', category: 'ours-category' }] },
  });
  await app.call('PUT', '/api/merchants/theirs', { body: {} });
  const headers = { 'X-Merchant-Id': 'theirs' };
  const body = { name: 'their admin', role: 'admin' };
  theirKey = (await app.call('POST', '/api/keys', { body, headers })).get('key');
});
afterAll(() => app.close());

const line = { storeId: 'ours-store', sku: 'ours-sku', quantity: 1 };
const event = {
  id: 'e',
  source: 's',
  type: 'order.cancelled',
  data: { orderId: 'ours-order' },
};

/** A body for each route that takes one: a route without one here fails the walk. */
const bodies: Record<string, unknown> = {
  'PUT /api/merchants/{merchantId}': { name: 'taken over' },
  'POST /api/keys': { name: 'theirs' },
  'PUT /api/stores/{storeId}': { name: 'theirs' },
  'PUT /api/inventory/stores/{storeId}/inventory/{sku}': { onHand: 1 },
  'POST /api/inventory/stores/{storeId}/inventory/{sku}/adjust': { delta: 1 },
  'POST /api/inventory/stores/{storeId}/inventory/{sku}/reserve': { quantity: 1 },
  'POST /api/mutations': {
    mutations: [{ id: 'm', type: 'adjust', storeId: 'ours-store', sku: 'ours-sku', delta: 1 }],
  },
  'POST /api/reservations': { orderId: 'ours-order', lines: [line] },
  'POST /api/reservations/{reservationId}/commit': {},
  'POST /api/reservations/{reservationId}/release': {},
  'POST /api/reservations/{reservationId}/extend': { ttlSeconds: 5 },
  'POST /api/events': event,
  'PUT /api/channels/{channelId}': { kind: 'webhook', config: { url: 'http://127.0.0.1:1/' } },
  'POST /api/channels/{channelId}/pause': {},
  'POST /api/channels/{channelId}/resume': {},
  'POST /api/channels/{channelId}/republish': {},
  'PUT /api/channels/{channelId}/listings/{storeId}/{sku}': { externalIds: { id: 'x' } },
  'POST /api/channels/{channelId}/listings': {
    listings: [{ storeId: 'ours-store', sku: 'ours-sku', externalIds: {} }],
  },
  'POST /api/dead-letters/redrive': {},
  'PUT /api/sources/{sourceId}': { kind: 'push', owns: [] },
  'POST /api/sources/{sourceId}/changes': { items: [] },
  'POST /api/sync': { source: 'ours-source' },
  'POST /api/sync/start': {},
  'POST /api/sync/stop': {},
  'POST /api/quarantine/{quarantineId}/approve': {},
  'POST /api/quarantine/{quarantineId}/refuse': {},
  'POST /api/open-questions/answer': {
    channelId: 'ours-channel',
    orderId: 'ours-order',
    lineId: 'ours-line',
    storeId: 'ours-store',
    sku: 'ours-sku',
  },
  'POST /api/channels/{channelId}/verify': {},
  'POST /api/channels/{channelId}/discover': {},
  'POST /api/channels/{channelId}/listings/{storeId}/{sku}/pause': {},
  'POST /api/channels/{channelId}/listings/{storeId}/{sku}/resume': {},
  'PUT /api/safety-buffers': { strategy: 'static', units: 3 },
  'PUT /api/safety-buffers/categories': { items: [{ sku: 'ours-sku', category: 'theirs' }] },
  'POST /api/safety-buffers/recompute': {},
  'POST /api/drifts/{driftId}/approve': {},
  'POST /api/drifts/{driftId}/ignore': {},
};

/** Queries that routes need, and those that name what is ours. */
const queries: Record<string, string> = {
  'GET /api/stock': '?storeId=ours-store',
  'GET /api/stock/{sku}/as-of': '?storeId=ours-store&at=2999-01-01T00:00:00Z',
  'GET /api/stock/{sku}/available': '?storeId=ours-store&explain=true',
  'GET /api/ledger': '?sku=ours-sku',
  'GET /api/reservations': '?orderId=ours-order',
  'GET /api/deliveries': '?channelId=ours-channel',
  'GET /api/dead-letters': '?channelId=ours-channel',
  'DELETE /api/safety-buffers': '?sku=ours-sku',
  'GET /api/drifts': '?channelId=ours-channel',
};

// What the other merchant may make of its own comes last: until then our names mean nothing to it.
const makesItsOwn = /^(?:PUT|POST \/api\/keys)/;
const inOrder = operations.toSorted(
  (a, b) => Number(makesItsOwn.test(routeOf(a))) - Number(makesItsOwn.test(routeOf(b))),
);

test.each(inOrder.map((operation) => [routeOf(operation), operation] as const))(
  'to another merchant %s shows and changes nothing of ours',
  async (route, operation) => {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
      encodeURIComponent(ours[name] ?? `no ${name} of ours in this test`),
    );
    const body = bodies[route];
    const before = await snapshotOf(app.core.pool, 'default');
    const answer = await app.call(
      operation.method.toUpperCase(),
      `${path}${queries[route] ?? ''}`,
      {
        key: theirKey,
        ...(body === undefined ? {} : { body }),
      },
    );
    expect(path).not.toContain('no%20');
    expect(body !== undefined || operation.shapes.body === undefined).toBe(true);
    expect(await snapshotOf(app.core.pool, 'default')).toEqual(before);
    expect(whatIsShown(route, operation, answer)).toBe('nothing of ours');
  },
);

function whatIsShown(route: string, { access }: Operation, answer: Answer): string {
  const { status, text } = answer;
  const isNothing =
    access === 'root'
      ? status === 403
      : status === 404 ||
        (status < 300 && makesItsOwn.test(route) && !text.includes('"onHand":50')) ||
        (status === 200 && route === 'POST /api/mutations' && text.includes('STORE.NOT_FOUND')) ||
        ((status === 200 || status === 202) && !text.includes('ours'));
  return isNothing ? 'nothing of ours' : `${status} ${text}`;
}

test('the same ids and idempotency keys at another merchant are other things', async () => {
  const path = '/api/inventory/stores/ours-store/inventory/ours-sku/adjust';
  const headers = { 'Idempotency-Key': 'shared' };
  await app.call('PUT', '/api/stores/ours-store', { key: theirKey, body: {} });
  const mine = await app.call('POST', path, { body: { delta: 5 }, headers });
  const theirs = await app.call('POST', path, { key: theirKey, body: { delta: 7 }, headers });
  expect([mine.status, theirs.status]).toEqual([200, 200]);
  expect(theirs.headers.get('idempotency-replayed')).toBeNull();
  expect(theirs.body['onHand']).not.toBe(mine.body['onHand']);
});
