import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

// The contract of channels; what happens at the other end is tested with channels and jobs.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const webhook = { kind: 'webhook', config: { url: 'http://127.0.0.1:1/stock' } };

describe('a channel', () => {
  test('is created with a secret that is shown once, and changed without it', async () => {
    const made = await app.call('PUT', '/api/channels/shop%2F1', { body: webhook });
    expect(made).toMatchObject({
      status: 201,
      body: { channelId: 'shop/1', kind: 'webhook', mode: 'latest', status: 'active' },
    });
    const { secret } = made.body['credentials'] as { secret: string };
    expect(secret).toMatch(/^whsec_/);
    const body = { ...webhook, rateLimitRps: 5, timeoutMs: 900, maxAttempts: 3, mode: 'every' };
    const changed = await app.call('PUT', '/api/channels/shop%2F1', { body });
    expect(changed).toMatchObject({
      status: 200,
      body: { rateLimitRps: 5, timeoutMs: 900, maxAttempts: 3, mode: 'every' },
    });
    const shown = await app.call('GET', '/api/channels/shop%2F1');
    expect(shown.body).toEqual(changed.body);
    const listed = await app.call('GET', '/api/channels');
    for (const { text } of [changed, shown, listed]) expect(text).not.toContain('whsec_');
    expect(listed.list()).toEqual([shown.body]);
  });

  test('takes a secret of ours and does not give it back', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const body = { ...webhook, credentials: { secret } };
    const made = await app.call('PUT', '/api/channels/given', { body });
    expect(made.status).toBe(201);
    expect(made.text).not.toContain('whsec_');
  });

  test('is paused, resumed, republished and deleted', async () => {
    await app.call('PUT', '/api/channels/steps', { body: webhook });
    const paused = await app.call('POST', '/api/channels/steps/pause');
    expect(paused).toMatchObject({ status: 200, body: { status: 'paused' } });
    const resumed = await app.call('POST', '/api/channels/steps/resume', { body: {} });
    expect(resumed).toMatchObject({ status: 200, body: { status: 'active', pausedAt: null } });
    expect(await app.call('POST', '/api/channels/steps/republish')).toMatchObject({ status: 202 });
    expect(await app.call('DELETE', '/api/channels/steps')).toMatchObject({
      status: 204,
      text: '',
    });
    const gone = { status: 404, body: { code: 'CHANNEL.NOT_FOUND' } };
    expect(await app.call('DELETE', '/api/channels/steps')).toMatchObject(gone);
    expect(await app.call('GET', '/api/channels/steps')).toMatchObject(gone);
    expect(await app.call('GET', '/api/channels/steps/listings')).toMatchObject(gone);
  });

  test('keeps its kind and gets a repeated step answered again', async () => {
    await app.call('PUT', '/api/channels/again', { body: webhook });
    const headers = { 'Idempotency-Key': 'pause-once' };
    const first = await app.call('POST', '/api/channels/again/pause', { headers });
    await app.call('POST', '/api/channels/again/resume');
    const again = await app.call('POST', '/api/channels/again/pause', { headers });
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await app.call('GET', '/api/channels/again')).body['status']).toBe('active');
    // The same key for another channel is another request.
    expect(await app.call('POST', '/api/channels/other/pause', { headers })).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY.KEY_REUSED' },
    });
  });
});

describe('listings', () => {
  beforeAll(async () => {
    await app.call('PUT', '/api/channels/listed', { body: webhook });
  });
  const base = '/api/channels/listed/listings';

  test('are told one by one, in bulk, and by an event', async () => {
    const one = await app.call('PUT', `${base}/main/a%2Fb`, { body: { externalIds: { id: '1' } } });
    expect(one).toMatchObject({
      status: 200,
      body: { storeId: 'main', sku: 'a/b', externalIds: { id: '1' }, publishedQuantity: null },
    });
    const listings = ['c', 'd'].map((sku) => ({ storeId: 'main', sku, externalIds: { id: sku } }));
    const bulk = await app.call('POST', base, { body: { listings } });
    expect(bulk.list('listings')).toMatchObject([{ sku: 'c' }, { sku: 'd' }]);
    const data = { channelId: 'listed', storeId: 'main', sku: 'e', externalIds: { id: 'e' } };
    // With what a broker adds on the way.
    const extensions = { correlationid: 'abc', sampled: true, partition: 3 };
    const event = { id: 'l-1', source: 'pim', type: 'listing.updated', ...extensions, data };
    const first = await app.call('POST', '/api/events', { body: event });
    expect(first).toMatchObject({
      status: 202,
      body: { outcome: 'listed', listing: { sku: 'e' } },
    });
    const again = await app.call('POST', '/api/events', { body: event });
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = { ...event, data: { ...data, sku: 'f' } };
    expect(await app.call('POST', '/api/events', { body: other })).toMatchObject({ status: 422 });
    const page = await app.call('GET', `${base}?limit=3`);
    expect(page.list().map(({ sku }) => sku)).toEqual(['a/b', 'c', 'd']);
    const rest = await app.call('GET', `${base}?cursor=${page.get('nextCursor')}`);
    expect(rest.list().map(({ sku }) => sku)).toEqual(['e']);
  });

  test('at a store that is not there are refused, all of them', async () => {
    const listings = ['main', 'nowhere'].map((storeId) => ({ storeId, sku: 'x', externalIds: {} }));
    expect(await app.call('POST', base, { body: { listings } })).toMatchObject({
      status: 404,
      body: { code: 'STORE.NOT_FOUND' },
    });
    expect((await app.call('GET', `${base}?sku=x`)).list()).toEqual([]);
  });
});

describe('deliveries and dead letters', () => {
  test('are listed with their attempts, counted and redriven', async () => {
    await app.call('PUT', '/api/channels/late', { body: webhook });
    const { pool } = app.core;
    for (const [id, status] of [
      ['dlv_1', 'delivered'],
      ['dlv_2', 'dead'],
      ['dlv_3', 'dead'],
    ]) {
      await pool.query(
        `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
           created_at, updated_at) values ('default', $1, 'late', $2, $3, 1, now(), now())`,
        [id, randomUUID(), status],
      );
      await pool.query(
        `insert into delivery_attempt (merchant_id, delivery_id, attempt, started_at, outcome,
           http_status, lag_ms, duration_ms)
         values ('default', $1, 1, now(), 'delivered', 200, 5, 3)`,
        [id],
      );
    }
    const all = await app.call('GET', '/api/deliveries?channelId=late');
    expect(all.list()).toMatchObject([
      { deliveryId: 'dlv_3', attempts: [{ attempt: 1, httpStatus: 200, lagMs: 5 }] },
      { deliveryId: 'dlv_2', status: 'dead' },
      { deliveryId: 'dlv_1', status: 'delivered' },
    ]);
    expect((await app.call('GET', '/api/deliveries?status=delivered')).list()).toHaveLength(1);
    expect(await app.call('GET', '/api/deliveries?status=lost')).toMatchObject({ status: 422 });
    expect((await app.call('GET', '/api/dead-letters?limit=1')).body['nextCursor']).not.toBeNull();
    const redrive = (body?: object) =>
      app.call('POST', '/api/dead-letters/redrive', body === undefined ? {} : { body });
    expect(await redrive({ dryRun: true })).toMatchObject({ status: 200, body: { redriven: 2 } });
    expect(await redrive({ ids: ['dlv_2', 'dlv_1'] })).toMatchObject({ body: { redriven: 1 } });
    expect(await redrive({ channelId: 'another' })).toMatchObject({ body: { redriven: 0 } });
    expect(await redrive()).toMatchObject({ body: { redriven: 1 } });
    expect((await app.call('GET', '/api/dead-letters')).list()).toEqual([]);
  });
});

test('the settings say what channels get that do not say otherwise', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-presets-'));
  const file = join(folder, 'onhand.yaml');
  await writeFile(
    file,
    `inventory_sync:
  channels:
    - { id: webhook, kind: webhook, rate_limit_rps: 7, timeout_ms: 900 }
    - { id: slow, kind: webhook, rate_limit_rps: 2 }
    - { id: slow, kind: shopify, rate_limit_rps: 1 }
`,
  );
  const preset = await startTestApp({ env: { ONHAND_CONFIG: file } });
  try {
    const put = async (id: string, more: object = {}) =>
      (await preset.call('PUT', `/api/channels/${id}`, { body: { ...webhook, ...more } })).body;
    expect(await put('any')).toMatchObject({ rateLimitRps: 7, timeoutMs: 900 });
    expect(await put('slow')).toMatchObject({ rateLimitRps: 2, timeoutMs: 5_000 });
    expect(await put('own', { rateLimitRps: null, timeoutMs: 100 })).toMatchObject({
      rateLimitRps: null,
      timeoutMs: 100,
    });
  } finally {
    await preset.close();
    await rm(folder, { recursive: true });
  }
});

test('a channel takes a buffer, a window and a policy for drift', async () => {
  const body = {
    ...webhook,
    buffer: { units: 1, percent: 5, share: 0.5, max: 9, widenWhileLaggingUnits: 2 },
    batchWindowMs: 250,
    driftPolicy: 'hold',
  };
  const { kind, ...settings } = body;
  const made = await app.call('PUT', '/api/channels/buffered', { body });
  expect(made).toMatchObject({ status: 201, body: { ...settings, kind, state: null } });
  const every = await app.call('PUT', '/api/channels/buffered', {
    body: { ...body, mode: 'every' },
  });
  expect(every).toMatchObject({ status: 422, body: { errors: [{ path: 'buffer' }] } });
  const verified = await app.call('POST', '/api/channels/buffered/verify');
  expect(verified).toMatchObject({ status: 422, body: { code: 'CHANNEL.VERIFY_NOT_SUPPORTED' } });
});

test('a listing is paused and resumed, and one that is not there is not found', async () => {
  await app.call('PUT', '/api/channels/pausing', { body: webhook });
  const base = '/api/channels/pausing/listings/main';
  await app.call('PUT', `${base}/p`, { body: { externalIds: { id: 'p' } } });
  const paused = await app.call('POST', `${base}/p/pause`);
  expect(paused).toMatchObject({ status: 200, body: { sku: 'p' } });
  expect(paused.body['pausedAt']).not.toBeNull();
  const resumed = await app.call('POST', `${base}/p/resume`, { body: {} });
  expect(resumed).toMatchObject({ status: 200, body: { pausedAt: null } });
  expect(await app.call('POST', `${base}/none/pause`)).toMatchObject({
    status: 404,
    body: { code: 'LISTING.NOT_FOUND' },
  });
  expect(await app.call('POST', '/api/channels/none/listings/main/p/pause')).toMatchObject({
    status: 404,
    body: { code: 'CHANNEL.NOT_FOUND' },
  });
});
