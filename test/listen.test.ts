import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { newWebhookSecret } from '../src/channels/webhook/signature.ts';
import { UsageError, type Refusal } from '../src/errors.ts';
import {
  levelKey,
  startWebhookListener,
  type ListenerOptions,
  type ReceivedChange,
  type WebhookListener,
} from '../src/listen/index.ts';

const secret = newWebhookSecret();
const open: WebhookListener[] = [];

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function listen(options: Partial<ListenerOptions> = {}) {
  const changes: ReceivedChange[] = [];
  const rejections: Refusal[] = [];
  const listener = await startWebhookListener({
    port: 0,
    host: '127.0.0.1',
    secret,
    onChange: (received) => changes.push(received),
    onRejected: (refusal) => rejections.push(refusal),
    ...options,
  });
  open.push(listener);
  return { listener, changes, codes: () => rejections.map(({ code }) => code) };
}

function change(version: number, more: Partial<ReceivedChange> = {}): ReceivedChange {
  const recordedAt = '2026-11-21T00:00:00.000Z';
  return {
    storeId: 'main',
    sku: 'A',
    available: version,
    onHand: version,
    version,
    recordedAt,
    ...more,
  };
}

function bodyWith(...changes: ReceivedChange[]): string {
  const data = { channelId: 'hook', changes };
  return JSON.stringify({ type: 'stock.level.changed', timestamp: '2026-11-21T00:00:00Z', data });
}

/** Sends a message signed by the reference implementation; answers the status. */
async function send(listener: WebhookListener, id: string, body: string, key = secret) {
  const at = new Date();
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key).sign(id, at, body),
  };
  const response = await fetch(listener.url, { method: 'POST', body, headers });
  return response.status;
}

test('a signed message is answered 204 and its levels are kept', async () => {
  const { listener, changes } = await listen();
  const body = bodyWith(change(7), change(3, { sku: 'B', available: 0 }));
  expect(await send(listener, 'm1', body)).toBe(204);
  expect(listener.levels.get(levelKey('main', 'A'))).toEqual(change(7));
  expect(listener.levels.get(levelKey('main', 'B'))?.available).toBe(0);
  expect(changes).toHaveLength(2);
  expect(listener.received).toBe(1);
});

test('a message that comes again is answered 204 and counts once', async () => {
  const { listener, changes } = await listen();
  const every = bodyWith(change(1, { entryId: '10', quantity: 'onHand', delta: 1 }));
  expect(await send(listener, 'm1', every)).toBe(204);
  expect(await send(listener, 'm1', every)).toBe(204);
  expect(changes).toHaveLength(1);
  expect(listener.received).toBe(1);
});

test('an older version never replaces a newer one, and stores are apart', async () => {
  const { listener, changes } = await listen();
  await send(listener, 'm1', bodyWith(change(7)));
  await send(listener, 'm2', bodyWith(change(6)));
  await send(listener, 'm3', bodyWith(change(7, { available: 99 })));
  await send(listener, 'm4', bodyWith(change(2, { storeId: 'east' })));
  expect(listener.levels.get(levelKey('main', 'A'))).toEqual(change(7));
  expect(listener.levels.get(levelKey('east', 'A'))?.version).toBe(2);
  expect(changes.map(({ version }) => version)).toEqual([7, 2]);
  expect(listener.received).toBe(4);
});

test('each entry of one version is told where every entry is sent', async () => {
  const { listener, changes } = await listen();
  const entries = [change(4, { entryId: 1 }), change(4, { entryId: 2 }), change(3, { entryId: 0 })];
  await send(listener, 'm1', bodyWith(...entries));
  expect(changes.map(({ entryId }) => entryId)).toEqual([1, 2, 0]);
  expect(listener.levels.get(levelKey('main', 'A'))?.entryId).toBe(1);
});

test('a signature that does not fit is answered 401 and changes nothing', async () => {
  const { listener, changes, codes } = await listen();
  expect(await send(listener, 'm1', bodyWith(change(1)), newWebhookSecret())).toBe(401);
  const bare = await fetch(listener.url, { method: 'POST', body: bodyWith(change(1)) });
  expect(bare.status).toBe(401);
  expect(codes()).toEqual(['WEBHOOK.SIGNATURE_INVALID', 'WEBHOOK.HEADER_MISSING']);
  expect(changes).toEqual([]);
  expect(listener.received).toBe(0);
});

test('every n-th request fails, and the same message is taken when it comes again', async () => {
  const { listener, changes, codes } = await listen({ failEvery: 2 });
  expect(await send(listener, 'm1', bodyWith(change(1)))).toBe(204);
  expect(await send(listener, 'm2', bodyWith(change(2)))).toBe(500);
  expect(listener.levels.get(levelKey('main', 'A'))?.version).toBe(1);
  expect(await send(listener, 'm2', bodyWith(change(2)))).toBe(204);
  expect(changes.map(({ version }) => version)).toEqual([1, 2]);
  expect(codes()).toEqual(['WEBHOOK.FAILED_ON_PURPOSE']);
});

test('what is signed but no webhook of ours is refused, and other types pass', async () => {
  const { listener, codes } = await listen();
  expect(await send(listener, 'm1', 'not json')).toBe(400);
  expect(await send(listener, 'm2', '{"type":"stock.level.changed","data":{}}')).toBe(400);
  expect(await send(listener, 'm3', '{"type":"reservation.expired"}')).toBe(204);
  expect((await fetch(listener.url)).status).toBe(405);
  const invalid = 'WEBHOOK.BODY_INVALID';
  expect(codes()).toEqual([invalid, invalid, 'WEBHOOK.METHOD_REFUSED']);
});

test('a body of more than 8 MiB is refused', async () => {
  const { listener, codes } = await listen();
  const status = await send(listener, 'm1', 'x'.repeat(8 * 1024 * 1024 + 1));
  expect(status).toBe(413);
  expect(codes()).toEqual(['WEBHOOK.BODY_TOO_LARGE']);
});

test('a fault in the handler is answered 500, so that the message comes again', async () => {
  let isBroken = true;
  const seen: number[] = [];
  const { listener } = await listen({
    onChange: ({ version }) => {
      if (isBroken) throw new Error('full');
      seen.push(version);
    },
  });
  expect(await send(listener, 'm1', bodyWith(change(1)))).toBe(500);
  isBroken = false;
  expect(await send(listener, 'm1', bodyWith(change(1)))).toBe(204);
  expect(seen).toEqual([1]);
});

test('an address in use and a secret that cannot be read stop the start', async () => {
  const { listener } = await listen();
  const port = Number(new URL(listener.url).port);
  await expect(listen({ port })).rejects.toThrow(UsageError);
  await expect(listen({ secret: 'hush' })).rejects.toThrow(UsageError);
});
