import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemKinds } from '../../src/http/problem.ts';
import { operationsOf } from '../../src/http/routes/index.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
let description: Description;

type Described = {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; required: boolean }[];
  readonly responses: Record<string, unknown>;
  readonly security: readonly unknown[];
};
type Description = {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: { readonly schemas: Record<string, unknown> };
};

beforeAll(async () => {
  app = await startTestApp();
  const answer = await app.call('GET', '/api/openapi.json', { key: null });
  description = JSON.parse(answer.text) as Description;
});
afterAll(() => app.close());

const operations = operationsOf({ version: 'test' });
const routes = operations.map(({ method, path }) => `${method} ${path}`);

test('the description names every route there is, and no other', () => {
  expect(description.openapi).toBe('3.1.0');
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(described.toSorted()).toEqual(routes.toSorted());
  expect(new Set(routes).size).toBe(routes.length);
});

test('every route in the description answers, and without a key only the open ones', async () => {
  const expected: string[] = [];
  const found: string[] = [];
  for (const { method, path, access } of operations) {
    if (access === 'open' && path.includes('{')) continue;
    const target = path.replaceAll(/\{\w+\}/g, 'x');
    const answer = await app.call(method.toUpperCase(), target, { key: null });
    found.push(`${method} ${path} ${answer.status} ${String(answer.body['code'])}`);
    expected.push(`${method} ${path} ${access === 'open' ? '200 undefined' : '401 AUTH.MISSING'}`);
  }
  expect(found).toEqual(expected);
});

test('every POST that changes something takes an idempotency key', () => {
  const without = Object.entries(description.paths).flatMap(([path, { post }]) =>
    post === undefined || post.parameters?.some(({ name }) => name === 'Idempotency-Key') === true
      ? []
      : [path],
  );
  // Two only ask the channel; a webhook is known by its own id.
  expect(without.toSorted()).toEqual([
    '/api/channels/{channelId}/discover',
    '/api/channels/{channelId}/verify',
    '/api/webhooks/{channelId}',
  ]);
});

test('path parameters are declared, operation ids are unique, references lead somewhere', () => {
  const ids: string[] = [];
  for (const [path, methods] of Object.entries(description.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { operationId, parameters = [], responses } of Object.values(methods)) {
      ids.push(operationId);
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect(new Set(declared.map(({ name }) => name))).toEqual(new Set(inPath));
      expect(declared.every(({ required }) => required)).toBe(true);
      expect(Object.keys(responses).length).toBeGreaterThan(0);
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
  const text = JSON.stringify(description);
  for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    expect(description.components.schemas).toHaveProperty([name]);
  }
  expect(text).not.toContain('null,null');
});

test('an attribute of an event may be null, which is as if it were not there', () => {
  const described = JSON.stringify(description.paths['/api/events']?.['post']);
  expect(described).toContain('"subject":{"type":["string","null"]');
  expect(described).toContain('{"type":"boolean"},{"type":"null"}]}');
});

test('every code that the source refuses with has a status', () => {
  const root = new URL('../../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const codes = new Set<string>();
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(new URL(file, root), 'utf8');
    for (const [, code = ''] of text.matchAll(/refuse\(\s*'([A-Z_]+\.[A-Z_]+)'/g)) codes.add(code);
  }
  expect(codes.size).toBeGreaterThan(20);
  // WEBHOOK.*: those of the receiver that `listen` runs, which is no part of the API.
  const ours = [...codes].filter((code) => !code.startsWith('WEBHOOK.'));
  expect(ours.filter((code) => !problemKinds.has(code))).toEqual([]);
});

test('every code an operation promises has a status', () => {
  const promised = new Set(operations.flatMap(({ refusals = [] }) => refusals));
  expect([...promised].filter((code) => !problemKinds.has(code))).toEqual([]);
});

test('the page to read it loads nothing from another host', async () => {
  const page = await app.call('GET', '/api/docs', { key: null });
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toMatch(/https?:|unsafe|\*/);
  expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)/);
  const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    const loaded = await fetch(new URL(file, `${app.url}/api/docs`));
    expect({ file, status: loaded.status }).toEqual({ file, status: 200 });
    expect((await loaded.arrayBuffer()).byteLength).toBeGreaterThan(50);
  }
  expect(await app.call('GET', '/api/docs/..%2Fpackage.json')).toMatchObject({ status: 404 });
});
