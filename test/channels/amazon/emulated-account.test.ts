import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import {
  startAccount,
  type Account,
  type AccountOptions,
} from '../../../emulators/amazon/account.ts';
import { hasSpecification } from '../../../emulators/amazon/specification.ts';
import { skus } from './account-rig.ts';

let now = Date.parse('2026-11-21T00:00:00Z');

async function open(options: AccountOptions = {}): Promise<Account> {
  const seed = { skus: skus(3, 1), shippedByAmazon: ['F'] };
  const account = await startAccount({ now: () => now, seed, ...options });
  onTestFinished(() => account.server.stop());
  account.state.tokens['good'] = now + 1_000_000;
  return account;
}

type Asked = { readonly status: number; readonly headers: Headers; readonly json: unknown };

async function ask(
  account: Account,
  method: string,
  path: string,
  body?: unknown,
  token = 'good',
): Promise<Asked> {
  const response = await fetch(`${account.server.url}${path}`, {
    method,
    headers: { 'x-amz-access-token': token, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

const item = '/listings/2021-08-01/items/A1SELLER';
const place = '?marketplaceIds=ATVPDKIKX0DER';

function patchOf(quantity: unknown, more: Record<string, unknown> = {}): unknown {
  const value = [{ fulfillment_channel_code: 'DEFAULT', quantity }];
  const patch = { op: 'merge', path: '/attributes/fulfillment_availability', value };
  return { productType: 'LUGGAGE', patches: [{ ...patch, ...more }] };
}

function failed(code: string): unknown {
  return { errors: [expect.objectContaining({ code }) as unknown] };
}

test.each<[string, string, unknown, number, string]>([
  ['a SKU that is none', `${item}/S9${place}`, patchOf(1), 404, 'NOT_FOUND'],
  ['another marketplace', `${item}/S0?marketplaceIds=X`, patchOf(1), 400, 'InvalidInput'],
  [
    'somebody else’s listing',
    `${item.replace('A1', 'B2')}/S0${place}`,
    patchOf(1),
    403,
    'Unauthorized',
  ],
])('%s is refused', async (_, path, body, status, code) => {
  const account = await open();
  expect(await ask(account, 'PATCH', path, body)).toMatchObject({ status, json: failed(code) });
});

test.runIf(hasSpecification).each<[string, string, unknown]>([
  ['no product type', `${item}/S0${place}`, { patches: [{ op: 'merge', path: '/a' }] }],
  ['an operation that is none', `${item}/S0${place}`, patchOf(1, { op: 'set' })],
  ['no marketplace', `${item}/S0`, patchOf(1)],
  ['no patches', `${item}/S0${place}`, { productType: 'LUGGAGE', patches: [] }],
])('Amazon’s model does not allow %s', async (_, path, body) => {
  const account = await open();
  const answer = await ask(account, 'PATCH', path, body);
  expect(answer).toMatchObject({ status: 400, json: failed('InvalidInput') });
  expect(account.state.invalid).toHaveLength(1);
  expect(account.stockOf('S0')).toBe(1);
});

test.each<[string, string, unknown]>([
  ['a quantity below 0', 'S0', patchOf(-1)],
  ['a quantity that is a text', 'S0', patchOf('5')],
  ['another attribute', 'S0', patchOf(1, { path: '/attributes/item_name' })],
  ['no value', 'S0', patchOf(1, { value: [] })],
  ['a listing that Amazon ships', 'F', patchOf(1)],
])('a submission with %s is invalid, and says why', async (_, sku, body) => {
  const account = await open();
  const answer = await ask(account, 'PATCH', `${item}/${sku}${place}`, body);
  expect(answer).toMatchObject({
    status: 200,
    json: { status: 'INVALID', issues: [{ severity: 'ERROR' }] },
  });
  expect(account.state.submissions).toEqual([]);
  expect(account.state.invalidAnswers).toEqual([]);
});

test('a token holds for an hour', async () => {
  const account = await open();
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: account.credentials.clientId,
    client_secret: account.credentials.clientSecret,
    refresh_token: account.credentials.refreshToken,
  });
  const granted = await fetch(account.config.tokenUrl, { method: 'POST', body: form });
  const { access_token: token, expires_in: seconds } = (await granted.json()) as {
    readonly access_token: string;
    readonly expires_in: number;
  };
  expect(seconds).toBe(3_600);
  const read = () => ask(account, 'GET', `${item}/S0${place}`, undefined, token);
  now += 3_599_000;
  expect(await read()).toMatchObject({ status: 200 });
  now += 1_000;
  expect(await read()).toMatchObject({ status: 403, json: failed('Unauthorized') });
  form.set('refresh_token', 'wrong');
  const refused = await fetch(account.config.tokenUrl, { method: 'POST', body: form });
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
});

test('five patches at once are all that Amazon takes, and five a second', async () => {
  const account = await open();
  const patch = () => ask(account, 'PATCH', `${item}/S0${place}`, patchOf(2));
  for (let i = 0; i < 5; i += 1) expect((await patch()).status).toBe(200);
  const refused = await patch();
  expect(refused).toMatchObject({ status: 429, json: failed('QuotaExceeded') });
  expect(refused.headers.get('x-amzn-ratelimit-limit')).toBe('5');
  now += 200;
  expect((await patch()).status).toBe(200);
  expect((await patch()).status).toBe(429);
});

test('replace drops what it does not say, and merge leaves it', async () => {
  const account = await open();
  await ask(account, 'PATCH', `${item}/S0${place}`, patchOf(2));
  await ask(account, 'PATCH', `${item}/S1${place}`, patchOf(2, { op: 'replace' }));
  now += 1_000;
  expect([account.stockOf('S0'), account.stockOf('S1')]).toEqual([2, 2]);
  const days = (sku: string) =>
    account.state.listings[sku]?.availability[0]?.['lead_time_to_ship_max_days'];
  expect([days('S0'), days('S1')]).toEqual([2, undefined]);
});

async function upload(account: Account, messages: readonly unknown[]): Promise<string> {
  const contentType = 'application/json';
  const made = await ask(account, 'POST', '/feeds/2021-06-30/documents', { contentType });
  const { feedDocumentId, url } = made.json as { feedDocumentId: string; url: string };
  const body = JSON.stringify({ header: { sellerId: 'A1SELLER', version: '2.0' }, messages });
  const headers = { 'content-type': contentType };
  expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
  return feedDocumentId;
}

async function submit(account: Account, inputFeedDocumentId: string): Promise<Asked> {
  const marketplaceIds = ['ATVPDKIKX0DER'];
  const feedType = 'JSON_LISTINGS_FEED';
  const body = { feedType, marketplaceIds, inputFeedDocumentId };
  return await ask(account, 'POST', '/feeds/2021-06-30/feeds', body);
}

function messageOf(messageId: number, sku: string, quantity: number): unknown {
  return { messageId, sku, operationType: 'PATCH', ...(patchOf(quantity) as object) };
}

async function stand(account: Account, feedId: string): Promise<Record<string, unknown>> {
  const { json } = await ask(account, 'GET', `/feeds/2021-06-30/feeds/${feedId}`);
  return json as Record<string, unknown>;
}

test('feeds are processed one after the other, and each reports its messages', async () => {
  const account = await open();
  const messages = [messageOf(1, 'S0', 5), messageOf(1, 'S1', 6), messageOf(3, 'S9', 7)];
  const first = await submit(account, await upload(account, messages));
  expect(first).toMatchObject({ status: 202, json: { feedId: '50001' } });
  await submit(account, await upload(account, [messageOf(1, 'S0', 8)]));
  const both = async () => [
    (await stand(account, '50001'))['processingStatus'],
    (await stand(account, '50002'))['processingStatus'],
  ];
  expect(await both()).toEqual(['IN_QUEUE', 'IN_QUEUE']);
  now += 5_000;
  expect(await both()).toEqual(['IN_PROGRESS', 'IN_QUEUE']);
  now += 10_000;
  expect(await both()).toEqual(['DONE', 'IN_PROGRESS']);
  expect([account.stockOf('S0'), account.stockOf('S1')]).toEqual([5, 1]);
  now += 10_000;
  expect(await both()).toEqual(['DONE', 'DONE']);
  expect(account.history('S0').map(({ quantity }) => quantity)).toEqual([5, 8]);
  const { resultFeedDocumentId: id } = await stand(account, '50001');
  const { json } = await ask(account, 'GET', `/feeds/2021-06-30/documents/${String(id)}`);
  const { url, compressionAlgorithm } = json as Record<string, string>;
  expect(compressionAlgorithm).toBe('GZIP');
  const packed = await (await fetch(url ?? '')).arrayBuffer();
  expect(JSON.parse(gunzipSync(packed).toString('utf8'))).toMatchObject({
    issues: [
      { messageId: 1, sku: 'S1' },
      { messageId: 3, sku: 'S9' },
    ],
    summary: { messagesProcessed: 3, messagesAccepted: 1, messagesInvalid: 2 },
  });
  expect(account.state.invalidAnswers).toEqual([]);
});

test('a document’s URL ends after five minutes, and a document makes one feed', async () => {
  const account = await open();
  const id = await upload(account, [messageOf(1, 'S0', 5)]);
  expect((await submit(account, id)).status).toBe(202);
  expect((await submit(account, id)).status).toBe(400);
  expect((await submit(account, 'none')).status).toBe(400);
  const made = await ask(account, 'POST', '/feeds/2021-06-30/documents', { contentType: 'a/b' });
  const { url } = made.json as { url: string };
  now += 300_000;
  const headers = { 'content-type': 'a/b' };
  expect((await fetch(url, { method: 'PUT', headers, body: '{}' })).status).toBe(403);
});

test('a document is for those who have its URL, with the type it was made for', async () => {
  const account = await open();
  const made = await ask(account, 'POST', '/feeds/2021-06-30/documents', { contentType: 'a/b' });
  const { url } = made.json as { url: string };
  const put = (headers: Record<string, string>, to = url) => {
    return fetch(to, { method: 'PUT', headers, body: '{}' });
  };
  expect((await put({ 'content-type': 'text/plain' })).status).toBe(403);
  expect((await put({ 'content-type': 'a/b' }, url.split('?')[0])).status).toBe(403);
  expect((await put({ 'content-type': 'a/b', 'x-amz-access-token': 'good' })).status).toBe(200);
  expect(account.state.leaks).toBe(1);
});

test('what was submitted is applied after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-account-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const stateFile = join(folder, 'state.json');
  const account = await open({ stateFile });
  await ask(account, 'PATCH', `${item}/S0${place}`, patchOf(6));
  await submit(account, await upload(account, [messageOf(1, 'S1', 7)]));
  await account.server.stop();
  const again = await open({ stateFile });
  now += 15_000;
  expect([again.stockOf('S0'), again.stockOf('S1')]).toEqual([6, 7]);
  expect((await stand(again, '50001'))['processingStatus']).toBe('DONE');
});
