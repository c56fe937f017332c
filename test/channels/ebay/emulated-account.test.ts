import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  startAccount,
  type Account,
  type AccountOptions,
} from '../../../emulators/ebay/account.ts';
import { skus } from './account-rig.ts';

// Noon in California, in winter.
const noon = Date.parse('2026-11-21T20:00:00Z');
const hourMs = 3_600_000;

async function open(options: AccountOptions = {}): Promise<Account> {
  const account = await startAccount({ seed: { skus: skus(2, 1) }, now: () => noon, ...options });
  onTestFinished(() => account.server.stop());
  return account;
}

type Answer = readonly [number, unknown];

async function token(account: Account): Promise<string> {
  const { clientId, clientSecret, refreshToken } = account.credentials;
  const response = await fetch(`${account.server.url}/identity/v1/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope: 'https://api.ebay.com/oauth/api_scope/sell.inventory',
    }),
  });
  const { access_token: made } = (await response.json()) as { access_token: string };
  return made;
}

async function call(
  account: Account,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${account.server.url}/sell/inventory/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${await token(account)}`,
      'accept-language': 'en-US',
      'content-language': 'en-US',
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}

type Asked = { readonly offerId: string; readonly availableQuantity: unknown };

function set(account: Account, ...offers: readonly Asked[]): Promise<Answer> {
  const requests = offers.map((one) => ({ offers: [one] }));
  return call(account, '/bulk_update_price_quantity', { requests });
}

function offer(availableQuantity: unknown, offerId = '7001'): Asked {
  return { offerId, availableQuantity };
}

function failed(errorId: number): unknown {
  return { errors: [expect.objectContaining({ errorId }) as unknown] };
}

test.each<[string, readonly Asked[]]>([
  ['26 offers', Array.from({ length: 26 }, () => offer(5))],
  ['a quantity that is text', [offer('5')]],
  ['a quantity below 0', [offer(-1)]],
  ['part of a unit', [offer(1.5)]],
  ['no offer', []],
])('%s is refused as a whole, and noted', async (_, offers) => {
  const account = await open();
  expect(await set(account, ...offers)).toEqual([400, failed(25_002)]);
  expect(account.shownOf('S0')).toBe(1);
  expect(account.state.invalid).toHaveLength(1);
});

test('offers are taken one by one, and the whole is 207', async () => {
  const account = await open();
  const [status, body] = await set(account, offer(5), offer(5, '9999'));
  expect(status).toBe(207);
  expect(body).toMatchObject({
    responses: [
      { offerId: '7001', sku: 'S0', statusCode: 200 },
      { offerId: '9999', statusCode: 404, errors: [{ errorId: 25_713 }] },
    ],
  });
  expect((await set(account, offer(6)))[0]).toBe(200);
});

test('a listing is revised 250 times in a day of California, and then no more', async () => {
  let now = noon;
  const account = await open({ now: () => now });
  const { listingId } = account.idsOf('S0');
  account.state.revisions[listingId] = { '2026-11-21': 248 };
  await set(account, offer(5), offer(6));
  expect((await set(account, offer(7)))[0]).toBe(207);
  expect([account.shownOf('S0'), account.state.overspent]).toEqual([6, [listingId]]);
  expect((await set(account, offer(7, '7002')))[0]).toBe(200);
  now += 12 * hourMs;
  expect((await set(account, offer(7)))[0]).toBe(200);
});

test('without out-of-stock control 0 is refused, and selling out ends a listing', async () => {
  const account = await open();
  account.state.outOfStockControl = false;
  const [, body] = await set(account, offer(0));
  expect(body).toMatchObject({ responses: [{ statusCode: 400, errors: [{ errorId: 25_004 }] }] });
  account.sell('S0', 1);
  expect(await set(account, offer(5))).toMatchObject([207, {}]);
  expect(await call(account, '/offer/7001')).toMatchObject([
    200,
    { listing: { listingStatus: 'ENDED' } },
  ]);
});

test('one SKU in a call, where the account is so', async () => {
  const account = await open();
  account.state.oneSkuPerCall = true;
  expect(await set(account, offer(5), offer(5, '7002'))).toEqual([400, failed(25_002)]);
  expect((await set(account, offer(5)))[0]).toBe(200);
});

test('no call without both languages, or with a token that has ended', async () => {
  const account = await open();
  const requests = [{ offers: [offer(5)] }];
  const path = '/bulk_update_price_quantity';
  const silent = await call(account, path, { requests }, { 'content-language': '' });
  expect(silent).toEqual([400, failed(25_709)]);
  account.state.tokenSeconds = 0;
  expect((await call(account, path, { requests }))[0]).toBe(401);
  expect(account.shownOf('S0')).toBe(1);
});

test('an offer is withdrawn once, and published as a new listing', async () => {
  const account = await open();
  const { listingId } = account.idsOf('S0');
  expect(await call(account, '/offer/7001/withdraw', {})).toEqual([200, { listingId }]);
  expect((await call(account, '/offer/7001/withdraw', {}))[0]).toBe(400);
  expect((await set(account, offer(5)))[0]).toBe(207);
  expect((await call(account, '/offer/7001/publish', {}))[0]).toBe(200);
  expect(account.idsOf('S0').listingId).not.toBe(listingId);
  expect((await call(account, '/offer/7001/publish', {}))[0]).toBe(400);
});

test('figures, revisions and tokens are there after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-account-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const stateFile = join(folder, 'state.json');
  const account = await open({ stateFile });
  await set(account, offer(5));
  await account.server.stop();
  const again = await open({ stateFile });
  expect(again.shownOf('S0')).toBe(5);
  expect(again.state.revisions).toEqual(account.state.revisions);
  expect(again.state.tokens).toEqual(account.state.tokens);
});
