import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

// What is stored to be shown to one server is not shown to another one.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const putChannel = (channelId: string, body: object) =>
  app.call('PUT', `/api/channels/${channelId}`, { body });
const putSource = (sourceId: string, body: object) =>
  app.call('PUT', `/api/sources/${sourceId}`, { body: { owns: [], enabled: false, ...body } });

const [here, there] = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];

type Case = {
  readonly kind: string;
  readonly config: Record<string, unknown>;
  readonly credentials: Record<string, string>;
  /** Settings that lead somewhere else. */
  readonly elsewhere: Record<string, unknown>;
  /** Settings that do not. */
  readonly same: Record<string, unknown>;
};

const oauth = { clientId: 'a', clientSecret: 'b', refreshToken: 'c' };
const amazon = { sellerId: 'S', marketplaceIds: ['A1PA6795UKMFR9'] };

const channels: readonly Case[] = [
  {
    kind: 'shopify',
    config: { shopDomain: 'one.myshopify.com' },
    credentials: { accessToken: 'shpat_1' },
    elsewhere: { baseUrl: there },
    same: { apiVersion: '2026-10' },
  },
  {
    kind: 'shopify',
    config: { shopDomain: 'one.myshopify.com' },
    credentials: { accessToken: 'shpat_1' },
    elsewhere: { shopDomain: 'two.myshopify.com' },
    same: { apiVersion: '2026-10' },
  },
  {
    kind: 'amazon',
    config: amazon,
    credentials: oauth,
    elsewhere: { baseUrl: there },
    same: { marketplaceIds: ['A13V1IB3VIYZZH'] },
  },
  {
    kind: 'amazon',
    config: { ...amazon, baseUrl: here },
    credentials: oauth,
    elsewhere: { tokenUrl: here },
    same: { feedThreshold: 5, sellerId: 'T' },
  },
  {
    kind: 'amazon',
    config: amazon,
    credentials: oauth,
    elsewhere: { region: 'na' },
    same: { region: 'eu' },
  },
  {
    kind: 'woocommerce',
    config: { baseUrl: here },
    credentials: { consumerKey: 'ck_1', consumerSecret: 'cs_1' },
    elsewhere: { baseUrl: there },
    same: {},
  },
  {
    kind: 'square',
    config: {},
    credentials: { accessToken: 'token' },
    elsewhere: { baseUrl: there },
    same: { notificationUrl: 'https://stock.example/hook' },
  },
  {
    kind: 'ebay',
    config: { baseUrl: here },
    credentials: oauth,
    elsewhere: { tokenUrl: there },
    same: { zeroHandling: 'withdraw' },
  },
];

test.each(channels)(
  'credentials of a channel stay where they were given for: $kind, $elsewhere',
  async ({ kind, config, credentials, elsewhere, same }) => {
    const channelId = randomUUID();
    const put = (body: object) => putChannel(channelId, body);
    expect(await put({ kind, config, credentials })).toMatchObject({ status: 201 });
    expect(await put({ kind, config, rateLimitRps: 3 })).toMatchObject({ status: 200 });
    expect(await put({ kind, config: { ...config, ...same } })).toMatchObject({ status: 200 });
    const moved = { kind, config: { ...config, ...elsewhere } };
    const refused = await put(moved);
    expect(refused).toMatchObject({ status: 422, body: { code: 'CHANNEL.CREDENTIALS_MISSING' } });
    const shown = await app.call('GET', `/api/channels/${channelId}`);
    expect(shown.body['config']).toMatchObject({ ...config, ...same });
    expect(await put({ ...moved, credentials })).toMatchObject({ status: 200 });
  },
);

const webhook = (url: string) => ({ kind: 'webhook', config: { url } });

test('the secret of a webhook is sent nowhere: its URL changes without', async () => {
  expect(await putChannel('hook', webhook(here))).toMatchObject({ status: 201 });
  expect(await putChannel('hook', webhook(there))).toMatchObject({ status: 200 });
});

const locations = { '8': 'main' };
const query = 'select 1 where now() > :since';

const sources: readonly Case[] = [
  {
    kind: 'http',
    config: { url: `${here}/changes` },
    credentials: { bearer: 'token' },
    elsewhere: { url: `${there}/changes` },
    same: { headers: { accept: 'text/plain' } },
  },
  {
    kind: 'csv',
    config: { url: `${here}/stock.csv` },
    credentials: { bearer: 'token' },
    elsewhere: { url: `${there}/stock.csv` },
    same: { delimiter: ';' },
  },
  {
    kind: 'odoo',
    config: { baseUrl: here, database: 'prod', locations },
    credentials: { apiKey: 'key' },
    elsewhere: { baseUrl: there },
    same: { locations: { '9': 'main' } },
  },
  {
    kind: 'shopify',
    config: { shopDomain: 'one.myshopify.com', locations },
    credentials: { accessToken: 'shpat_1' },
    elsewhere: { baseUrl: there },
    same: { apiVersion: '2026-10' },
  },
  {
    kind: 'shopify',
    config: { shopDomain: 'one.myshopify.com', locations },
    credentials: { accessToken: 'shpat_1' },
    elsewhere: { shopDomain: 'two.myshopify.com' },
    same: { locations: {} },
  },
  {
    kind: 'square',
    config: { locations },
    credentials: { accessToken: 'token' },
    elsewhere: { baseUrl: there },
    same: { overlapSeconds: 5 },
  },
];

test.each(sources)(
  'credentials of a source stay where they were given for: $kind, $elsewhere',
  async ({ kind, config, credentials, elsewhere, same }) => {
    const sourceId = randomUUID();
    const put = (body: object) => putSource(sourceId, body);
    expect(await put({ kind, config, credentials })).toMatchObject({ status: 201 });
    expect(await put({ kind, config, batchSize: 5 })).toMatchObject({ status: 200 });
    expect(await put({ kind, config: { ...config, ...same } })).toMatchObject({ status: 200 });
    const moved = { kind, config: { ...config, ...elsewhere } };
    const refused = await put(moved);
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'REQUEST.INVALID', errors: [{ path: 'credentials' }] },
    });
    const shown = await app.call('GET', `/api/sources/${sourceId}`);
    expect(shown.body['config']).toMatchObject({ ...config, ...same });
    expect(await put({ ...moved, credentials })).toMatchObject({ status: 200 });
  },
);

test('a token of one URL is not sent to another one by way of a file', async () => {
  const credentials = { bearer: 'token' };
  await putSource('file', { kind: 'csv', config: { url: `${here}/stock.csv` }, credentials });
  const read = { kind: 'csv', config: { path: 'stock.csv' } };
  expect(await putSource('file', read)).toMatchObject({ status: 200 });
  const moved = { kind: 'csv', config: { url: `${there}/stock.csv` } };
  expect(await putSource('file', moved)).toMatchObject({ status: 422 });
});

test('what has no credentials, or none that are sent, moves freely', async () => {
  for (const url of [here, there]) {
    expect((await putSource('open', { kind: 'http', config: { url } })).status).toBeLessThan(202);
  }
  const credentials = { url: 'postgres://reader:secret@db.example/stock' };
  expect((await putSource('db', { kind: 'sql', config: { query }, credentials })).status).toBe(201);
  const changed = { query, overlapSeconds: 5 };
  expect((await putSource('db', { kind: 'sql', config: changed })).status).toBe(200);
});
