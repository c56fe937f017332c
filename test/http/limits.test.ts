import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { newWebhookSecret, signWebhook } from '../../src/channels/webhook/signature.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';
import type { StockWriter } from '../../src/stock/index.ts';
import { adminKey, startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const level = '/api/inventory/stores/main/inventory/cup';
const ask = 'GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n';

describe('the rate limit', () => {
  test('that was asked for holds for every key, each by itself', async () => {
    const env = { RATE_LIMIT_RPS: '0.01', RATE_LIMIT_BURST: '3' };
    app = await startTestApp({ env });
    // One of the burst went to the store that the test app makes.
    const made = await app.call('POST', '/api/keys', { body: { name: 'till' } });
    expect(await app.call('GET', '/api/stores')).toMatchObject({ status: 200 });
    const refused = await app.call('GET', '/api/stores');
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMIT.EXCEEDED' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    const own = { key: made.get('key') };
    expect(await app.call('GET', '/api/stores', own)).toMatchObject({ status: 200 });
    expect(await app.call('GET', '/api/health')).toMatchObject({ status: 200 });
  });

  test('holds for who signs a push, source by source', async () => {
    app = await startTestApp({ env: { RATE_LIMIT_RPS: '0.01', RATE_LIMIT_BURST: '3' } });
    const secret = newWebhookSecret();
    const source = { kind: 'push', owns: [], credentials: { secret } };
    await app.call('PUT', '/api/sources/till', { body: source });
    const push = signedPush(secret);
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const { status } = await app.call('POST', '/api/sources/till/changes', push);
      statuses.push(status);
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  const server = { rateLimitRps: 2, rateLimitBurst: 2, rateLimitIsDefault: true };
  const caller = { merchantId: 'default', keyId: 'key_1', role: 'member' } as const;
  const config = server as ConstructorParameters<typeof RateLimit>[0];

  test('fills up again with time, and never beyond the burst', () => {
    const limit = new RateLimit(config);
    const taken = [0, 0, 0, 500, 500, 9_000, 9_000, 9_000].map(
      (now) => limit.take(caller, now) === undefined,
    );
    expect(taken).toEqual([true, true, false, true, false, true, true, false]);
  });

  test('that nobody asked for spares the admin key', () => {
    const limit = new RateLimit(config);
    const admin = { ...caller, role: 'root' } as const;
    expect([1, 2, 3, 4].every(() => limit.take(admin, 0) === undefined)).toBe(true);
    const asked = new RateLimit({ ...config, rateLimitIsDefault: false });
    expect([1, 2, 3].map(() => asked.take(admin, 0)?.code)).toEqual([
      undefined,
      undefined,
      'RATE_LIMIT.EXCEEDED',
    ]);
  });
});

test('when too much waits, changes are shed and reads are not', async () => {
  const env = { LOAD_SHED_QUEUE_MAX: '5' };
  const full = { queueLength: 6 } as StockWriter;
  app = await startTestApp({ env, services: { writer: full } });
  const shed = await app.call('POST', `${level}/adjust`, { body: { delta: 1 } });
  expect(shed).toMatchObject({ status: 503, body: { code: 'LOAD.SHED' } });
  expect(shed.headers.get('retry-after')).toBe('1');
  expect(await app.call('GET', '/api/stock')).toMatchObject({ status: 200 });
});

test('when too much waits, changes without a key are shed as well', async () => {
  const env = { LOAD_SHED_QUEUE_MAX: '5' };
  const full = { queueLength: 0 };
  app = await startTestApp({ env, services: { writer: full as StockWriter } });
  const secret = newWebhookSecret();
  const source = { kind: 'push', owns: [], credentials: { secret } };
  await app.call('PUT', '/api/sources/till', { body: source });
  full.queueLength = 6;
  const answers = [
    await app.call('POST', '/api/webhooks/shop', { raw: '{}', key: null }),
    await app.call('POST', '/api/sources/till/changes', signedPush(secret)),
  ];
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'LOAD.SHED' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  }
});

test('what goes wrong inside is told to nobody but the log', async () => {
  const levels = {
    read: () => Promise.reject(new TypeError('select secret from nowhere')),
  } as unknown as TestApp['services']['levels'];
  app = await startTestApp({ services: { levels } });
  const headers = { 'x-request-id': 'broken-1' };
  const answer = await app.call('GET', level, { headers });
  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL.FAULT' } });
  expect(answer.text).not.toMatch(/secret|TypeError| at /);
  const line = app.logLines().find(({ requestId }) => requestId === 'broken-1');
  expect(JSON.stringify(line)).toContain('select secret from nowhere');
});

describe('closing', () => {
  test('lets requests finish and refuses none with a reset', async () => {
    app = await startTestApp();
    const { face } = app;
    await app.call('PUT', level, { body: { onHand: 100_000 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const statuses: (number | undefined)[] = [];
    const client = async (): Promise<void> => {
      // Until it is told that the connection ends: then no new one is taken either.
      while (!(await adjustOnce(face.port, agent, statuses)));
    };
    const clients = Array.from({ length: 20 }, client);
    await new Promise<void>((resolve) => {
      const check = setInterval(() => {
        if (statuses.length < 200) return;
        clearInterval(check);
        resolve();
      }, 5);
    });
    const closed = face.close(5_000);
    await Promise.all(clients);
    await closed;
    agent.destroy();
    expect(new Set(statuses)).toEqual(new Set([200]));
    await expect(fetch(`http://127.0.0.1:${face.port}/api/health`)).rejects.toThrow('fetch failed');
  });

  test('answers once more on a connection that was idle, and then ends it', async () => {
    app = await startTestApp();
    const socket = connect(app.face.port, '127.0.0.1');
    socket.write(ask);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 200 /);
    const closed = app.face.close(5_000);
    socket.write(ask);
    const rest = await readText(socket);
    expect(rest).toMatch(/^HTTP\/1\.1 200 /);
    expect(rest).toMatch(/\r\nconnection: close\r\n/i);
    await closed;
  });

  test('answers what had arrived, though it stood still in the meantime', async () => {
    app = await startTestApp();
    const idle = connect(app.face.port, '127.0.0.1');
    idle.write(ask);
    await once(idle, 'data');
    const closed = app.face.close(5_000);
    // The listening has ended, and connections are open for a last call.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    idle.write(ask);
    standStill(2_500);
    expect(await answerOn(idle)).toMatch(/^HTTP\/1\.1 200 /);
    await closed;
  });

  test('answers connections that were waiting to be taken', async () => {
    app = await startTestApp();
    const { port } = app.face;
    const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'));
    for (const socket of waiting) socket.write(ask);
    // The kernel has let them in before the event loop comes by again.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const closed = app.face.close(5_000);
    const answers = await Promise.all(waiting.map(answerOn));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    await closed;
  });

  test('waits for a request that is still being sent', async () => {
    app = await startTestApp();
    await app.call('PUT', level, { body: { onHand: 10 } });
    const idle = connect(app.face.port, '127.0.0.1');
    idle.resume();
    const body = '{"delta":-1}';
    const slow = connect(app.face.port, '127.0.0.1');
    slow.write(
      `POST ${level}/adjust HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n{`,
    );
    const answer = answerOn(slow);
    await Promise.all([once(idle, 'connect'), once(slow, 'connect')]);
    const closed = app.face.close(30_000);
    // By then whatever is to be ended before its time has been.
    await once(idle, 'close');
    slow.write(body.slice(1));
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await closed).toBe(true);
  });

  test('ends connections that say nothing, and what takes too long', async () => {
    app = await startTestApp();
    const idle = connect(app.face.port, '127.0.0.1');
    await once(idle, 'connect');
    const slow = connect(app.face.port, '127.0.0.1');
    slow.write(
      `POST ${level}/adjust HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\n` +
        'content-length: 100\r\n\r\n{',
    );
    await once(slow, 'connect');
    const ended = Promise.all([once(idle, 'close'), once(slow, 'close')]);
    idle.resume();
    slow.on('error', () => undefined);
    slow.resume();
    const startedAt = performance.now();
    await app.face.close(400);
    await ended;
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

test('a body that is refused and never ends does not keep its connection', async () => {
  app = await startTestApp();
  const sender = connect(app.face.port, '127.0.0.1');
  sender.write(
    `POST ${level}/adjust HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\n` +
      'content-type: application/json\r\ncontent-length: 100000000\r\n\r\n{',
  );
  // Nothing more is sent, and nothing ended: the answer's end is the server's doing.
  expect(await answerOn(sender)).toMatch(/^HTTP\/1\.1 413 /);
});

function signedPush(secret: string) {
  const raw = '{"items":[]}';
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signWebhook(secret, 'msg_1', timestamp, raw),
  };
  return { raw, key: null, headers };
}

/** What comes until the connection ends, or why it broke. */
function answerOn(socket: Socket): Promise<string> {
  return readText(socket).catch(String);
}

/** As a process does that gets no processor. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function adjustOnce(
  port: number,
  agent: Agent,
  statuses: (number | undefined)[],
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
    const sent = request(
      { port, host: '127.0.0.1', agent, method: 'POST', path: `${level}/adjust`, headers },
      (response) => {
        statuses.push(response.statusCode);
        readText(response).then(() => resolve(response.headers.connection === 'close'), reject);
      },
    );
    sent.on('error', reject);
    sent.end('{"delta":-1}');
  });
}
