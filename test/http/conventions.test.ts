import { request as rawRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCursor } from '../../src/http/cursor.ts';
import { adminKey, startTestApp, type TestApp } from '../support/app.ts';
import { waitFor } from '../support/wait-for.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const levelPath = '/api/inventory/stores/main/inventory/shirt';

/** A request whose target is sent as it is: fetch would tidy it up. */
function sendRaw(
  target: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = rawRequest(
      {
        host: '127.0.0.1',
        port: app.face.port,
        path: target,
        method: options.method ?? 'GET',
        headers: { authorization: `Bearer ${adminKey}`, ...options.headers },
      },
      (response) => {
        const { statusCode: status, headers } = response;
        readText(response).then((text) => resolve({ status, headers, text }), reject);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

describe('request ids', () => {
  test.each(['abc', 'A.b_c:d-9', 'x'.repeat(128)])('a sane one is taken over: %s', async (id) => {
    const answer = await app.call('GET', '/api/stock/nothing', { headers: { 'x-request-id': id } });
    expect(answer.headers.get('x-request-id')).toBe(id);
    expect(answer.body['requestId']).toBe(id);
  });

  test.each(['', 'a b', 'x'.repeat(129), '<script>', 'a"b'])(
    'another is replaced: %s',
    async (id) => {
      const answer = await app.call('GET', '/api/stores', { headers: { 'x-request-id': id } });
      expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    },
  );

  test('each made one is new', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const answer = await app.call('GET', '/api/health', { key: null });
        return answer.headers.get('x-request-id');
      }),
    );
    expect(new Set(ids).size).toBe(20);
  });
});

describe('routes', () => {
  test('an unknown one is 404 with a problem document', async () => {
    const answer = await app.call('GET', '/api/nothing');
    expect(answer).toMatchObject({ status: 404, body: { code: 'ROUTE.NOT_FOUND' } });
    expect(answer.body['type']).toBe('urn:onhand:problem:ROUTE.NOT_FOUND');
    expect(answer.body['instance']).toBe('/api/nothing');
  });

  test.each([
    ['DELETE', levelPath, 'GET, PUT, HEAD'],
    ['GET', `${levelPath}/adjust`, 'POST'],
    ['PATCH', '/api/stores/main', 'PUT, GET, HEAD'],
    ['OPTIONS', '/api/mutations', 'POST'],
  ])('%s %s is 405 with Allow', async (method, path, allow) => {
    const answer = await app.call(method, path);
    expect(answer).toMatchObject({ status: 405, body: { code: 'ROUTE.METHOD_NOT_ALLOWED' } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('HEAD is GET without a body', async () => {
    await app.call('PUT', levelPath, { body: { onHand: 3 } });
    const answer = await app.call('HEAD', levelPath);
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(await app.call('HEAD', '/api/stock/nothing')).toMatchObject({ status: 404, text: '' });
  });

  test('what is no HTTP gets a problem document too', async () => {
    const socket = connect(app.face.port, '127.0.0.1');
    socket.end('NONSENSE\r\n\r\n');
    const answer = await readText(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"REQUEST.MALFORMED"');
  });

  test.each([
    ['REQUEST.MALFORMED', 400, ''],
    ['REQUEST.EXPECTATION_FAILED', 417, 'host: x\r\nexpect: foo\r\n'],
  ])('what Node itself would refuse is a problem with an id: %s', async (code, status, lines) => {
    const socket = connect(app.face.port, '127.0.0.1');
    const rest = 'connection: close\r\nx-request-id: mine-1\r\n\r\n';
    socket.end(`GET /api/health HTTP/1.1\r\n${lines}${rest}`);
    const answer = await readText(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\nx-request-id: mine-1\r\n/i);
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
    expect(answer).toContain(`"code":"${code}"`);
    expect(answer).toContain('"instance":"/api/health"');
  });

  test('HTTP/1.0 needs no host', async () => {
    const socket = connect(app.face.port, '127.0.0.1');
    socket.end('GET /api/health HTTP/1.0\r\n\r\n');
    expect(await readText(socket)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('headers beyond every measure are 431', async () => {
    const answer = await sendRaw('/api/stores', { headers: { cookie: 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'REQUEST.HEADERS_TOO_LARGE' });
  });

  test('a host that is none is 400', async () => {
    const answer = await sendRaw('/api/health', { headers: { host: 'a b' } });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'REQUEST.MALFORMED' });
  });
});

describe('keys', () => {
  test('health and documentation need none, all else does', async () => {
    for (const path of ['/api/health', '/metrics', '/api/docs', '/api/openapi.json']) {
      expect(await app.call('GET', path, { key: null })).toMatchObject({ status: 200 });
    }
    const answer = await app.call('GET', '/api/stores', { key: null });
    expect(answer).toMatchObject({ status: 401, body: { code: 'AUTH.MISSING' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  test.each(['wrong', `${adminKey}x`, adminKey.slice(0, -1)])(
    'a wrong one is refused: %s',
    async (key) => {
      const answer = await app.call('GET', '/api/stores', { key });
      expect(answer).toMatchObject({ status: 401, body: { code: 'AUTH.INVALID' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    },
  );

  test('a made one works until it is revoked', async () => {
    const made = await app.call('POST', '/api/keys', { body: { name: 'till' } });
    expect(made.status).toBe(201);
    const key = made.get('key');
    expect(await app.call('GET', '/api/stores', { key })).toMatchObject({ status: 200 });
    const list = await app.call('GET', '/api/keys');
    expect(list.text).not.toContain(key);
    const gone = await app.call('DELETE', `/api/keys/${made.get('keyId')}`);
    expect(gone).toMatchObject({ status: 204, text: '' });
    const after = await app.call('GET', '/api/stores', { key });
    expect(after).toMatchObject({ status: 401, body: { code: 'AUTH.INVALID' } });
    expect(await app.call('DELETE', `/api/keys/${made.get('keyId')}`)).toMatchObject({
      status: 404,
      body: { code: 'KEY.NOT_FOUND' },
    });
  });

  test('a plain key manages neither keys nor merchants, an admin key only keys', async () => {
    const plain = await app.call('POST', '/api/keys', { body: { name: 'plain' } });
    const admin = await app.call('POST', '/api/keys', { body: { name: 'boss', role: 'admin' } });
    const forbidden = { status: 403, body: { code: 'AUTH.FORBIDDEN' } };
    expect(await app.call('GET', '/api/keys', { key: plain.get('key') })).toMatchObject(forbidden);
    const key = admin.get('key');
    expect(await app.call('GET', '/api/keys', { key })).toMatchObject({ status: 200 });
    expect(await app.call('GET', '/api/merchants', { key })).toMatchObject(forbidden);
    expect(await app.call('PUT', '/api/merchants/mine', { key, body: {} })).toMatchObject(
      forbidden,
    );
  });

  test('the admin key acts for the merchant it names, others only for their own', async () => {
    await app.call('PUT', '/api/merchants/bücher ☃', { body: { name: 'Bücher' } });
    // A header carries bytes: UTF-8 here.
    const header = Buffer.from('bücher ☃', 'utf8').toString('latin1');
    const headers = { 'X-Merchant-Id': header };
    await app.call('PUT', '/api/stores/theirs', { headers, body: {} });
    expect(await app.call('GET', '/api/stores/theirs', { headers })).toMatchObject({ status: 200 });
    expect(await app.call('GET', '/api/stores/theirs')).toMatchObject({ status: 404 });
    const unknown = { 'X-Merchant-Id': 'nobody' };
    expect(await app.call('GET', '/api/stores', { headers: unknown })).toMatchObject({
      status: 404,
      body: { code: 'MERCHANT.NOT_FOUND' },
    });
    const made = await app.call('POST', '/api/keys', { body: { name: 'x' } });
    const key = made.get('key');
    expect(await app.call('GET', '/api/stores', { key, headers })).toMatchObject({
      status: 403,
      body: { code: 'AUTH.FORBIDDEN' },
    });
    const own = { 'X-Merchant-Id': 'default' };
    expect(await app.call('GET', '/api/stores', { key, headers: own })).toMatchObject({
      status: 200,
    });
  });

  test('neither keys nor bodies are logged, and each request is one line', async () => {
    await app.call('POST', `${levelPath}/adjust`, {
      body: { delta: 1, reason: 'confidential' },
      headers: { 'x-request-id': 'logged-1', cookie: 'session=hidden' },
    });
    const line = await waitFor(
      () => app.logLines().find(({ requestId }) => requestId === 'logged-1'),
      { what: 'the line of the request' },
    );
    expect(line).toMatchObject({
      level: 30,
      method: 'POST',
      route: '/api/inventory/stores/{storeId}/inventory/{sku}/adjust',
      status: 200,
      keyId: 'admin',
      merchantId: 'default',
    });
    expect(line['ms']).toBeTypeOf('number');
    expect(JSON.stringify(app.logLines())).not.toMatch(/confidential|hidden|test-admin-key/);
  });

  test('the line of a request names its caller, and nobody where there was none', async () => {
    const made = await app.call('POST', '/api/keys', { body: { name: 'till' } });
    const callers = { 'by-till': made.get('key'), 'by-admin': undefined, 'by-nobody': null };
    for (const [id, key] of Object.entries(callers)) {
      await app.call('GET', levelPath, {
        ...(key === undefined ? {} : { key }),
        headers: { 'x-request-id': id },
      });
    }
    const keyIdOf = (id: string) =>
      waitFor(() => app.logLines().find(({ requestId }) => requestId === id), {
        what: `the line of ${id}`,
      }).then((line) => line['keyId']);
    expect(await keyIdOf('by-till')).toBe(made.get('keyId'));
    expect(await keyIdOf('by-admin')).toBe('admin');
    expect(await keyIdOf('by-nobody')).toBeUndefined();
  });
});

describe('lists', () => {
  test('pages follow each other without gap or repeat', async () => {
    const skus = ['a', 'b/c', 'ü', '☃', '100%', 'z'];
    for (const sku of skus) {
      const path = `/api/inventory/stores/main/inventory/${encodeURIComponent(sku)}`;
      expect((await app.call('PUT', path, { body: { onHand: 1 } })).status).toBe(201);
    }
    const seen: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 10; pages += 1) {
      const answer = await app.call('GET', `/api/stock?limit=2${cursor}`);
      for (const item of answer.list()) seen.push(String(item['sku']));
      const next: unknown = answer.body['nextCursor'];
      if (typeof next !== 'string') break;
      expect(next).toMatch(/^[\w-]+$/);
      cursor = `&cursor=${next}`;
    }
    expect(seen.filter((sku) => sku !== 'shirt').toSorted()).toEqual(skus.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('answers are UTF-8', async () => {
    const path = `/api/inventory/stores/main/inventory/${encodeURIComponent('kürbis')}`;
    await app.call('PUT', path, { body: { onHand: 1 } });
    const answer = await sendRaw(path);
    expect(JSON.parse(answer.text)).toMatchObject({ sku: 'kürbis', onHand: 1 });
  });

  const foreign = Buffer.from('{"sku":7}').toString('base64url');
  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=!!', 'cursor'],
    [`cursor=${foreign}`, 'cursor'],
    ['updatedAfter=yesterday', 'updatedAfter'],
    ['belowAvailable=9999999999', 'belowAvailable'],
    ['oversold=perhaps', 'oversold'],
  ])('a bad parameter is refused by name: %s', async (query, path) => {
    const answer = await app.call('GET', `/api/stock?${query}`);
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'REQUEST.INVALID', errors: [{ path }] },
    });
  });

  test.each([
    ['/api/sources/none/held', '\u0000'],
    ['/api/sources/none/held', '\ud800'],
    ['/api/inbox', { channelId: 'a', webhookId: '\u0000' }],
    ['/api/open-questions', { channelId: 'a', orderId: '\u0000', lineId: 'b' }],
  ])('a cursor that Postgres could not look for is refused: %s %j', async (path, position) => {
    const answer = await app.call('GET', `${path}?cursor=${writeCursor(position)}`);
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'cursor' }] } });
  });

  test.each(['%2E', '%2e%2E', '.%2e'])(
    'an id that no URL can carry is refused: %s',
    async (sku) => {
      const answer = await sendRaw(`/api/stock/${sku}`);
      expect(JSON.parse(answer.text)).toMatchObject({ status: 422, errors: [{ path: 'sku' }] });
    },
  );

  test('a query that cannot be decoded is malformed', async () => {
    for (const query of ['sku=%zz', 'sku=%ff', '%=1']) {
      const answer = await sendRaw(`/api/stock?${query}`);
      expect(JSON.parse(answer.text)).toMatchObject({ status: 400, code: 'REQUEST.MALFORMED' });
    }
  });

  test('parameters named like members of a refusal are parameters', async () => {
    expect(await app.call('GET', '/api/stock?code=A.B&detail=c')).toMatchObject({ status: 200 });
  });
});
