import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createMetrics, readinessOf } from '../../src/monitoring/index.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

/** The samples of a page in Prometheus' text format, by name and labels. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{[^}]*(?:\}[^}]*)*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a sample: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

describe('of a running service', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  test('requests, refusals, conflicts, replays and batches are counted', async () => {
    const level = '/api/inventory/stores/main/inventory/cup';
    const headers = { 'Idempotency-Key': 'k' };
    await app.call('PUT', level, { body: { onHand: 5 } });
    await app.call('POST', `${level}/adjust`, { body: { delta: -1 }, headers });
    await app.call('POST', `${level}/adjust`, { body: { delta: -1 }, headers });
    await app.call('POST', `${level}/adjust`, { body: { delta: -9 } });
    await app.call('POST', `${level}/adjust`, { body: { delta: 1, expectedVersion: 9 } });
    await app.call('POST', `${level}/reserve`, { body: { quantity: 4 } });
    await app.call('PUT', level, { body: { onHand: 1 } });
    await app.call('GET', '/api/nothing/at/all');
    const answer = await app.call('GET', '/metrics', { key: null });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    const samples = parse(answer.text);
    const route = 'route="/api/inventory/stores/{storeId}/inventory/{sku}/adjust"';
    const requests = `onhand_http_requests_total{method="POST",${route},status=`;
    expect(samples.get(`${requests}"2xx"}`)).toBe(2);
    expect(samples.get(`${requests}"4xx"}`)).toBe(2);
    expect(
      samples.get('onhand_http_requests_total{method="ANY",route="unmatched",status="4xx"}'),
    ).toBe(1);
    expect(samples.get('onhand_refusals_total{code="STOCK.INSUFFICIENT"}')).toBe(1);
    expect(samples.get('onhand_version_conflicts_total')).toBe(1);
    expect(samples.get('onhand_idempotency_replays_total')).toBe(1);
    expect(samples.get('onhand_batch_commands_count')).toBe(7);
    expect(samples.get('onhand_oversold_levels')).toBe(1);
    expect(samples.get('onhand_outbox_messages')).toBe(4);
    // The repeat was decided on remembered levels; the commit found its key in use.
    expect(samples.get('onhand_batch_attempts_bucket{le="1"}')).toBe(6);
    expect(samples.get('onhand_batch_attempts_bucket{le="2"}')).toBe(7);
    expect(samples.get('onhand_writer_queue')).toBe(0);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(answer.text).not.toContain('/nothing/');
  });

  test('the same figures are there as JSON', async () => {
    const answer = await app.call('GET', '/api/metrics', { key: null });
    expect(answer.body).toMatchObject({
      refusals: { 'STOCK.INSUFFICIENT': 1 },
      conflicts: 1,
      idempotencyHits: 1,
      batches: { count: 7, attempts: { p50: 1, p99: 2 } },
      queues: { writer: 0, outbox: 4, deadLetters: 0 },
      oversoldLevels: 1,
    });
    const health = await app.call('GET', '/api/health/metrics', { key: null });
    expect(Object.keys(health.body)).toEqual(Object.keys(answer.body));
  });
});

test("each mutation that is refused or replayed counts, but a dry run's do not", async () => {
  const app = await startTestApp();
  onTestFinished(() => app.close());
  const cup = { type: 'adjust', storeId: 'main', sku: 'cup' };
  const first = { ...cup, id: 'a', delta: 1 };
  const others = [
    { ...cup, id: 'b', delta: -9 },
    { ...cup, id: 'c', delta: -9 },
    { ...cup, id: 'd', delta: 1, expectedVersion: 9 },
  ];
  const send = (query: string, body: unknown) =>
    app.call('POST', `/api/mutations${query}`, { body });
  await send('', { mutations: [first] });
  await send('', { mutations: [first, ...others] });
  await send('?dryRun=true', { mutations: [first, ...others] });
  await send('', { atomic: true, mutations: [{ ...cup, id: 'e', delta: 1 }, ...others.slice(2)] });
  const { body } = await app.call('GET', '/api/metrics', { key: null });
  expect(body).toMatchObject({ idempotencyHits: 1, conflicts: 2 });
  expect(body['refusals']).toEqual({
    'STOCK.INSUFFICIENT': 2,
    'STOCK.VERSION_CONFLICT': 2,
    'MUTATIONS.REJECTED': 1,
  });
});

describe('of deliveries', () => {
  test('outcomes and lag are told by channel', async () => {
    const metrics = createMetrics();
    metrics.countDelivery('shop "1"\n', 'delivered');
    for (const lag of [8, 8, 40, 3000]) metrics.observeLag('shop "1"\n', lag);
    metrics.observeLag('till', -5);
    const samples = parse(await metrics.text());
    expect(
      samples.get('onhand_deliveries_total{channel="shop \\"1\\"\\n",outcome="delivered"}'),
    ).toBe(1);
    expect(samples.get('onhand_sync_lag_seconds_count{channel="till"}')).toBe(1);
    const { lag, deliveries } = await metrics.summary();
    expect(lag['shop "1"\n']).toEqual({ count: 4, p50: 10, p99: 5000 });
    expect(deliveries).toEqual({ 'shop "1"\n': { delivered: 1 } });
  });

  test('figures that cost a query are asked for once in a while, and may fail', async () => {
    const metrics = createMetrics();
    let asked = 0;
    metrics.watch({
      outboxDepth: () => Promise.resolve((asked += 1)),
      deadLetters: () => Promise.reject(new Error('the database is away')),
      pool: () => ({ total: 5, idle: 2, waiting: 1 }),
    });
    await metrics.text();
    const samples = parse(await metrics.text());
    expect(asked).toBe(1);
    expect(samples.get('onhand_outbox_messages')).toBe(1);
    expect(samples.get('onhand_pool_connections{state="busy"}')).toBe(3);
    expect((await metrics.summary()).queues).toEqual({
      writer: null,
      outbox: 1,
      deadLetters: null,
    });
  });
});

test('two apps count apart', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.countReplay();
  expect((await one.summary()).idempotencyHits).toBe(1);
  expect((await two.summary()).idempotencyHits).toBe(0);
});

test('a check that fails is not ready, and says which', async () => {
  const report = await readinessOf([
    { name: 'fine', isReady: () => Promise.resolve(true) },
    { name: 'broken', isReady: () => Promise.reject(new Error('no')) },
  ]);
  expect(report).toEqual({
    ready: false,
    checks: [
      { name: 'fine', ready: true },
      { name: 'broken', ready: false },
    ],
  });
});
