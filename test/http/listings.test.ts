import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeller, type Seller } from '../../emulators/square/seller.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
let seller: Seller;
const base = '/api/channels/till/listings';

beforeAll(async () => {
  app = await startTestApp();
  seller = await startSeller({ seed: { skus: { mug: 5, lamp: 6 } }, pageSize: 1 });
  const { config, credentials } = seller;
  const made = await app.call('PUT', '/api/channels/till', {
    body: { kind: 'square', config, credentials },
  });
  expect(made.status).toBe(201);
  await app.call('PUT', '/api/inventory/stores/main/inventory/mug', { body: { onHand: 1 } });
});

afterAll(async () => {
  await app?.close();
  await seller?.server.stop();
});

test('ids that the kind of channel does not know are all refused by their path', async () => {
  const { catalogObjectId } = seller.idsOf('mug');
  const wrong = { catalogObjectId, locationId: 'not one' };
  const put = await app.call('PUT', `${base}/main/mug`, { body: { externalIds: wrong } });
  expect(put).toMatchObject({
    status: 422,
    body: { code: 'REQUEST.INVALID', errors: [{ path: 'externalIds.locationId' }] },
  });
  const listings = [
    { storeId: 'main', sku: 'mug', externalIds: seller.idsOf('mug') },
    { storeId: 'main', sku: 'lamp', externalIds: wrong },
    { storeId: 'main', sku: 'vase', externalIds: {} },
  ];
  const bulk = await app.call('POST', base, { body: { listings } });
  expect(bulk).toMatchObject({ status: 422, body: { code: 'REQUEST.INVALID' } });
  expect(bulk.list('errors').map(({ path }) => path)).toEqual([
    'listings.1.externalIds.locationId',
    'listings.2.externalIds.catalogObjectId',
    'listings.2.externalIds.locationId',
  ]);
  const event = await app.call('POST', '/api/events', {
    body: {
      id: 'l-1',
      source: 'pim',
      type: 'listing.updated',
      data: { channelId: 'till', storeId: 'main', sku: 'mug', externalIds: wrong },
    },
  });
  expect(event).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'data.externalIds.locationId' }] },
  });
  expect((await app.call('GET', base)).list()).toEqual([]);
});

test('of thousands of mistakes a hundred are named', async () => {
  const listings = Array.from({ length: 2_000 }, (_, i) => {
    return { storeId: 'main', sku: `s-${i}`, externalIds: { catalogObjectId: 'a b' } };
  });
  const refused = await app.call('POST', base, { body: { listings } });
  expect(refused.status).toBe(422);
  expect(refused.list('errors')).toHaveLength(100);
});

test('a channel is asked page by page what it sells, and nothing is listed by that', async () => {
  const first = await app.call('POST', '/api/channels/till/discover');
  expect(first).toMatchObject({
    status: 200,
    body: {
      code: null,
      items: [
        {
          externalIds: seller.idsOf('mug'),
          channelSku: 'mug',
          quantity: 5,
          listing: null,
          suggestion: { storeId: 'main', sku: 'mug' },
        },
      ],
    },
  });
  await app.call('PUT', `${base}/main/cup`, { body: { externalIds: seller.idsOf('lamp') } });
  const cursor = first.get('nextCursor');
  const second = await app.call('POST', '/api/channels/till/discover', { body: { cursor } });
  expect(second).toMatchObject({
    status: 200,
    body: {
      nextCursor: null,
      // By its ids, whatever its SKU is here.
      items: [{ channelSku: 'lamp', listing: { storeId: 'main', sku: 'cup' }, suggestion: null }],
    },
  });
  expect((await app.call('GET', base)).list().map(({ sku }) => sku)).toEqual(['cup']);
});

test('a check names what cannot be published as it is', async () => {
  for (const sku of ['mug', 'mug-2']) {
    await app.call('PUT', `${base}/main/${sku}`, { body: { externalIds: seller.idsOf('mug') } });
  }
  const found = await app.call('GET', `${base}/check`);
  expect(found).toMatchObject({ status: 200, body: { checked: 3, found: 3 } });
  const none = { storeId: 'main', other: null };
  expect(found.list('problems')).toEqual([
    { ...none, code: 'no_level', sku: 'cup' },
    { ...none, code: 'ids_shared', sku: 'mug-2', other: { storeId: 'main', sku: 'mug' } },
    { ...none, code: 'no_level', sku: 'mug-2' },
  ]);
});

test('a kind that lists nothing is not asked, and one that does not answer says why', async () => {
  await app.call('PUT', '/api/channels/web', {
    body: { kind: 'webhook', config: { url: 'http://127.0.0.1:9/stock' } },
  });
  expect(await app.call('POST', '/api/channels/web/discover')).toMatchObject({
    status: 422,
    body: { code: 'CHANNEL.DISCOVER_NOT_SUPPORTED' },
  });
  await app.call('PUT', '/api/channels/away', {
    body: {
      kind: 'square',
      config: { baseUrl: 'http://127.0.0.1:9' },
      credentials: seller.credentials,
    },
  });
  expect(await app.call('POST', '/api/channels/away/discover')).toMatchObject({
    status: 200,
    body: { code: 'connection_refused', items: [], nextCursor: null },
  });
});
