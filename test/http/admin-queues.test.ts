import { PgBoss } from 'pg-boss';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminKey, startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
let boss: PgBoss;
let memberKey = '';
beforeAll(async () => {
  let url = '';
  const dashboard = {
    get connectionString() {
      return url;
    },
    schema: 'pgboss',
  };
  app = await startTestApp({ services: { dashboard } });
  url = app.core.connectionString;
  boss = new PgBoss(url);
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue('deliveries');
  memberKey = (await app.call('POST', '/api/keys', { body: { name: 'x' } })).get('key');
});
afterAll(async () => {
  await boss.stop({ graceful: false });
  await app.close();
});

function open(path: string, authorization?: string, init: RequestInit = {}): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization };
  return fetch(`${app.url}${path}`, { redirect: 'manual', ...init, headers });
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

describe('the pages of the queues', () => {
  test('ask a browser for the admin key', async () => {
    const answer = await open('/admin/queues');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect((await open('/admin/queues', basic('admin', 'wrong'))).status).toBe(401);
    expect((await open('/admin/queues', basic('admin', memberKey))).status).toBe(403);
    expect((await open('/admin/queues/queues', basic('x', ''))).status).toBe(401);
  });

  test('open with it, whatever the user is called', async () => {
    const answer = await open('/admin/queues', basic('anyone', adminKey));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/text\/html/);
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    const page = await answer.text();
    const queues = await (await open('/admin/queues/queues', basic('a', adminKey))).text();
    expect(queues).toContain('deliveries');
    const files = [...page.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g)];
    expect(files.length).toBeGreaterThan(0);
    for (const [, file = ''] of files) {
      const { status } = await open(file, basic('a', adminKey));
      expect({ file, status }).toEqual({ file, status: 200 });
    }
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\/(?!127\.0\.0\.1)[^"]*\.(?:js|css)/);
  });

  test('are framed by nobody, and load nothing from another host', async () => {
    const { headers } = await open('/admin/queues', basic('a', adminKey));
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  test('take no form from another origin', async () => {
    const answer = await fetch(`${app.url}/admin/queues/queues/deliveries`, {
      method: 'POST',
      headers: {
        authorization: basic('a', adminKey),
        origin: 'https://evil.example',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'intent=purge',
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});
