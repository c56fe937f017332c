import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { newSku } from '../support/stock.ts';

// The contract of sources; what reports do to stock is tested with sources.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const push = { kind: 'push', owns: [] };
const item = (sku: string, value: number) => ({
  id: `evt-${sku}-${value}`,
  sku,
  storeId: 'main',
  quantity: 'pendingSales',
  op: 'set',
  value,
  observedAt: new Date().toISOString(),
});

describe('a source', () => {
  test('is made, shown without its credentials, changed and deleted', async () => {
    const body = {
      kind: 'http',
      config: { url: 'http://127.0.0.1:1/changes' },
      credentials: { bearer: 'top-secret' },
      owns: [{ quantity: 'incoming', stores: ['main'] }],
      guards: { massZeroPercent: 20 },
    };
    const made = await app.call('PUT', '/api/sources/erp', { body });
    expect(made).toMatchObject({
      status: 201,
      body: {
        hasCredentials: true,
        watermark: null,
        lastRun: null,
        intervalMinutes: 15,
        batchSize: 100,
        guards: { massZeroPercent: 20, maxDeltaPercent: null },
        owns: [{ quantity: 'incoming', stores: ['main'] }],
      },
    });
    const { credentials: _, ...rest } = body;
    const again = await app.call('PUT', '/api/sources/erp', { body: { ...rest, batchSize: 7 } });
    expect(again).toMatchObject({ status: 200, body: { hasCredentials: true, batchSize: 7 } });
    for (const { text } of [made, again]) expect(text).not.toContain('top-secret');
    const { rows } = await app.core.pool.query<{ credentials: Buffer }>(
      `select credentials from source where source_id = 'erp'`,
    );
    expect(rows[0]?.credentials.toString('latin1')).not.toContain('top-secret');
    expect((await app.call('GET', '/api/sources')).list()).toMatchObject([{ sourceId: 'erp' }]);
    expect(await app.call('DELETE', '/api/sources/erp')).toMatchObject({ status: 204 });
    expect(await app.call('GET', '/api/sources/erp')).toMatchObject({ status: 404 });
  });

  test.each([
    [{ kind: 'carrier-pigeon', owns: [] }, 'SOURCE.UNKNOWN_KIND'],
    [{ kind: 'http', config: { url: 'ftp://x' }, owns: [] }, 'REQUEST.INVALID'],
    [{ kind: 'sql', config: { query: 'select 1' }, owns: [] }, 'REQUEST.INVALID'],
    [{ kind: 'push', owns: [{ quantity: 'reserved' }] }, 'REQUEST.INVALID'],
    [{ kind: 'push', owns: [], credentials: { secret: 'short' } }, 'REQUEST.INVALID'],
  ])('%j is refused: %s', async (body, code) => {
    const answer = await app.call('PUT', '/api/sources/wrong', { body });
    expect(answer).toMatchObject({ status: 422, body: { code } });
  });

  test('keeps its kind', async () => {
    await app.call('PUT', '/api/sources/kept', { body: push });
    const body = { kind: 'http', config: { url: 'http://127.0.0.1:1/' }, owns: [] };
    const answer = await app.call('PUT', '/api/sources/kept', { body });
    expect(answer).toMatchObject({ status: 409, body: { code: 'SOURCE.KIND_CHANGED' } });
  });
});

const claim = (sourceId: string, stores?: string[]) =>
  app.call('PUT', `/api/sources/${sourceId}`, {
    body: { kind: 'push', owns: [{ quantity: 'unavailable', ...(stores && { stores }) }] },
  });

describe('a quantity at a location has one owner', () => {
  test('a second source that claims it is refused, with the owner’s name', async () => {
    expect((await claim('first', ['main', 'east'])).status).toBe(201);
    expect(await claim('second', ['east'])).toMatchObject({
      status: 409,
      body: {
        code: 'SOURCE.OWNED_BY_OTHER',
        sourceId: 'first',
        quantity: 'unavailable',
        storeId: 'east',
      },
    });
    expect((await app.call('GET', '/api/sources/second')).status).toBe(404);
    expect((await claim('second', ['west'])).status).toBe(201);
  });

  test('every store is a claim on each of them, and the other way round', async () => {
    expect((await claim('greedy')).status).toBe(409);
    await app.call('DELETE', '/api/sources/first');
    await app.call('DELETE', '/api/sources/second');
    expect((await claim('greedy')).status).toBe(201);
    expect((await claim('late', ['main'])).status).toBe(409);
  });

  test('of two that claim at once one gets it', async () => {
    await app.call('DELETE', '/api/sources/greedy');
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, (_, i) => claim(`all-${i}`)),
      ...Array.from({ length: 4 }, (_, i) => claim(`one-${i}`, ['main'])),
    ]);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });
});

describe('changes that are pushed', () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const body = { kind: 'push', owns: [{ quantity: 'pendingSales' }], credentials: { secret } };
  beforeAll(() => app.call('PUT', '/api/sources/till', { body }));

  const path = '/api/sources/till/changes';
  const signed = (text: string, at = new Date(), key = secret) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key).sign('msg_1', at, text),
  });

  test('with a key: answered with what became of them, once for an idempotency key', async () => {
    const sku = newSku();
    const headers = { 'Idempotency-Key': `push-${sku}` };
    const options = { body: { items: [item(sku, 2), item(newSku(), 1)] }, headers };
    const first = await app.call('POST', path, options);
    expect(first).toMatchObject({ status: 200, body: { read: 2, applied: 2 } });
    expect((await app.call('POST', path, options)).text).toBe(first.text);
    const shown = await app.call('GET', '/api/sources/till');
    expect(shown.body['lastRun']).toMatchObject({ trigger: 'push', applied: 2 });
  });

  test('signed, without a key', async () => {
    const sku = newSku();
    const raw = JSON.stringify({ items: [item(sku, 3)] });
    const answer = await app.call('POST', path, { raw, key: null, headers: signed(raw) });
    expect(answer).toMatchObject({ status: 200, body: { applied: 1 } });
    const stock = await app.call('GET', `/api/stock/${sku}`);
    expect(stock.body['total']).toMatchObject({ pendingSales: 3 });
  });

  test('with a signature that does not fit, or none: refused, and nothing changed', async () => {
    const sku = newSku();
    const raw = JSON.stringify({ items: [item(sku, 3)] });
    const other = `whsec_${randomBytes(32).toString('base64')}`;
    const old = new Date(Date.now() - 600_000);
    const refused = { status: 401, body: { code: 'AUTH.INVALID' } };
    for (const headers of [
      signed('other text'),
      signed(raw, new Date(), other),
      signed(raw, old),
    ]) {
      expect(await app.call('POST', path, { raw, key: null, headers })).toMatchObject(refused);
    }
    const unknown = '/api/sources/kept/changes';
    const headers = signed(raw);
    expect(await app.call('POST', unknown, { raw, key: null, headers })).toMatchObject(refused);
    expect(await app.call('POST', path, { raw, key: null })).toMatchObject({
      status: 401,
      body: { code: 'AUTH.MISSING' },
    });
    expect((await app.call('GET', `/api/stock/${sku}`)).text).not.toContain('"pendingSales":3');
  });

  test('nothing of a body is told or read before its signature is found to fit', async () => {
    const invalid = JSON.stringify({ items: [{ id: 1 }] });
    for (const raw of [invalid, '{', '']) {
      const headers = signed('other text');
      const answer = await app.call('POST', path, { raw, key: null, headers });
      expect(answer).toMatchObject({ status: 401, body: { code: 'AUTH.INVALID' } });
      expect(answer.text).not.toContain('errors');
    }
    const send = (raw: string) => app.call('POST', path, { raw, key: null, headers: signed(raw) });
    expect((await send(invalid)).status).toBe(422);
    expect((await send('{')).status).toBe(400);
    const strange = '/api/sources/%00/changes';
    const options = { raw: '{}', key: null, headers: signed('{}') };
    expect((await app.call('POST', strange, options)).status).toBe(401);
  });

  test('signed, and once for an idempotency key', async () => {
    const raw = JSON.stringify({ items: [item(newSku(), 4)] });
    const headers = { ...signed(raw), 'Idempotency-Key': newSku() };
    const first = await app.call('POST', path, { raw, key: null, headers });
    const again = await app.call('POST', path, { raw, key: null, headers });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.text).toBe(first.text);
  });

  test('items that are none: 422 for all of them', async () => {
    const items = [{ ...item(newSku(), 1), value: 0.5 }];
    expect((await app.call('POST', path, { body: { items } })).status).toBe(422);
  });
});

describe('sync', () => {
  test('is stopped and started, with an interval for sources that have none', async () => {
    await app.call('PUT', '/api/sources/clock', { body: push });
    const stopped = await app.call('POST', '/api/sync/stop');
    expect(stopped).toMatchObject({ status: 200, body: { running: false } });
    expect((await app.call('GET', '/api/sources/clock')).body['nextRunAt']).toBeNull();
    const started = await app.call('POST', '/api/sync/start', { body: { intervalSeconds: 30 } });
    expect(started).toMatchObject({ body: { running: true, intervalSeconds: 30 } });
    expect((await app.call('GET', '/api/sources/clock')).body['intervalMinutes']).toBe(0.5);
    expect((await app.call('GET', '/api/sync/status')).body).toMatchObject({ running: true });
  });

  test('a run is asked for, of one source or of all', async () => {
    const one = await app.call('POST', '/api/sync', { body: { source: 'clock' } });
    expect(one.status).toBe(202);
    expect(one.get('runId')).toMatch(/^run_/);
    expect((await app.call('POST', '/api/sync')).status).toBe(202);
    const unknown = await app.call('POST', '/api/sync', { body: { source: 'nobody' } });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'SOURCE.NOT_FOUND' } });
    await app.call('PUT', '/api/sources/clock', { body: { ...push, enabled: false } });
    const disabled = await app.call('POST', '/api/sync', { body: { source: 'clock' } });
    expect(disabled).toMatchObject({ status: 409, body: { code: 'SOURCE.DISABLED' } });
  });
});

test('what is suspicious is listed and decided on', async () => {
  const skus = Array.from({ length: 4 }, newSku);
  const path = '/api/sources/till/changes';
  await app.call('POST', path, { body: { items: skus.map((sku) => item(sku, 9)) } });
  const later = new Date(Date.now() + 1_000).toISOString();
  const zeros = skus.map((sku) => ({ ...item(sku, 0), observedAt: later }));
  await app.call('PUT', '/api/sources/till', {
    body: { kind: 'push', owns: [{ quantity: 'pendingSales' }], guards: { massZeroPercent: 10 } },
  });
  const run = await app.call('POST', path, { body: { items: zeros } });
  expect(run).toMatchObject({ body: { quarantined: 4, applied: 0 } });
  const runId = run.get('runId');
  const listed = await app.call('GET', `/api/quarantine?runId=${runId}`);
  expect(listed.list()).toHaveLength(4);
  expect(listed.list()[0]).toMatchObject({ current: 9, value: 0, cause: 'mass_zero' });
  const [first] = listed.list();
  const id = String(first?.['quarantineId']);
  const refused = await app.call('POST', `/api/quarantine/${id}/refuse`);
  expect(refused).toMatchObject({ status: 200, body: { refused: 1 } });
  expect(await app.call('POST', `/api/quarantine/${id}/approve`)).toMatchObject({
    status: 409,
    body: { code: 'QUARANTINE.DECIDED' },
  });
  const approved = await app.call('POST', `/api/quarantine/${runId}/approve`);
  expect(approved).toMatchObject({ status: 200, body: { approved: 3 } });
  expect((await app.call('POST', '/api/quarantine/qtn_none/approve')).status).toBe(404);
  const held = await app.call('GET', '/api/sources/till/held');
  expect(held.list()).toEqual([]);
  const runs = await app.call('GET', `/api/sync/runs?sourceId=till&limit=1`);
  expect(runs.list()).toMatchObject([{ runId }]);
});
