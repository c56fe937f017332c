import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change, PublishResult } from '../../src/channels/index.ts';
import { createWebhookAdapter } from '../../src/channels/webhook/adapter.ts';
import { isPublicAddress } from '../../src/public-address.ts';
import { retryAfterMs } from '../../src/retry-after.ts';
import { newWebhookSecret } from '../../src/channels/webhook/signature.ts';

const open = createWebhookAdapter({ allowPrivateAddresses: true });
const guarded = createWebhookAdapter({ allowPrivateAddresses: false });
const server = createServer((_, response) => {
  requests += 1;
  response.writeHead(204).end();
});
let requests = 0;
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  await Promise.all([open.close?.(), guarded.close?.()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const now = new Date('2026-11-21T00:00:00Z');
const change: Change = {
  storeId: 'main',
  sku: 'A',
  externalIds: null,
  available: 1,
  onHand: 1,
  version: 1,
  recordedAt: now,
  previous: null,
};

function publish(adapter: typeof open, url: string): Promise<PublishResult> {
  return adapter.publish([change], {
    merchantId: 'default',
    channelId: 'web',
    config: { url },
    credentials: { secret: newWebhookSecret() },
    messageId: 'msg_1',
    signal: AbortSignal.timeout(5_000),
    now: () => now,
  });
}

test.each([
  ['8.8.8.8', true],
  ['93.184.216.34', true],
  ['2606:4700::1111', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.31.0.1', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['100.100.0.1', false],
  ['0.0.0.0', false],
  ['::1', false],
  ['::', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['::ffff:10.0.0.1', false],
  ['::ffff:8.8.8.8', true],
  ['64:ff9b::a00:1', false],
  ['not an address', false],
])('the address %s is public: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

test.each(['127.0.0.1', 'localhost', '[::1]', '0x7f.1', '[::ffff:127.0.0.1]'])(
  'a guarded adapter does not call %s',
  async (host) => {
    const before = requests;
    const result = await publish(guarded, `http://${host}:${port}/`);
    expect(result).toMatchObject({ ok: false, failure: { code: 'address_refused' } });
    expect(requests).toBe(before);
  },
);

test('an adapter without guard calls a local server', async () => {
  expect(await publish(open, `http://127.0.0.1:${port}/`)).toEqual({ ok: true, httpStatus: 204 });
});

test('a server without a trusted certificate is a TLS failure', async () => {
  const result = await publish(open, `https://127.0.0.1:${port}/`);
  expect(result).toMatchObject({ ok: false, failure: { code: 'tls', scope: 'channel' } });
});

test('a name that does not exist is a DNS failure', async () => {
  const result = await publish(open, 'http://nowhere.invalid/');
  expect(result).toMatchObject({ ok: false, failure: { code: 'dns' } });
});

test.each([
  ['https://shop.example/hook', true, true],
  ['http://shop.example/hook', true, false],
  ['http://127.0.0.1:1/', true, false],
  ['https://10.0.0.1/', true, false],
  ['https://[::1]/', true, false],
  ['https://user:secret@shop.example/', false, false],
  ['ftp://shop.example/', false, false],
  ['shop.example', false, false],
  ['', false, false],
])('the URL %s may be set: %s, guarded: %s', (url, unguarded, safe) => {
  expect(open.configSchema.safeParse({ url }).success).toBe(unguarded);
  expect(guarded.configSchema.safeParse({ url }).success).toBe(safe);
});

test.each<[string | undefined, number | undefined]>([
  ['0', 0],
  ['30', 30_000],
  ['999999', 3_600_000],
  ['Sat, 21 Nov 2026 00:00:10 GMT', 10_000],
  ['Fri, 20 Nov 2026 00:00:10 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['2.0', 2_000],
  ['1.5', 2_000],
  ['1.', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %s is a wait of %s ms', (header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});
