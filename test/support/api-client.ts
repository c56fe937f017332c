import type { z } from 'zod';
import type { Operation } from '../../src/http/operation.ts';
import { codesOf } from '../../src/http/openapi.ts';
import { problemKinds } from '../../src/http/problem.ts';
import { operationsOf } from '../../src/http/routes/index.ts';
import { problemView } from '../../src/http/views.ts';

/** The members of an answer, whatever they are. */
export type Json = Readonly<Record<string, unknown>>;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; an empty object when there is none. */
  readonly body: Json;
  /** A member of the body as text. */
  get(member: string): string;
  /** A list in the body. */
  list(member?: string): readonly Json[];
};

export type CallOptions = {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  /** The API key; null for none. */
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
};

export type ApiClient = {
  /** One request. Its answer is compared with what the API's description promises. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
};

const operations = operationsOf({ version: 'test' });
const routes = operations.map((operation) => ({
  operation,
  pattern: new RegExp(`^${operation.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/** The operation that answers a method and path, if one does. */
export function operationAt(method: string, path: string): Operation | undefined {
  const bare = path.split('?')[0] ?? path;
  const wanted = method === 'HEAD' ? 'get' : method.toLowerCase();
  // A path without parameters wins over one with them, as in the router.
  return routes
    .filter(({ operation, pattern }) => operation.method === wanted && pattern.test(bare))
    .toSorted((a, b) => a.operation.path.split('{').length - b.operation.path.split('{').length)[0]
    ?.operation;
}

/** Calls an API, and fails where an answer breaks the API's own description. */
export function apiClient(url: string, defaultKey: string): ApiClient {
  return {
    async call(method, path, options = {}) {
      const { key = defaultKey, body, raw, headers } = options;
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined && raw === undefined
            ? {}
            : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(raw === undefined ? {} : { body: raw }),
      });
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      const parsed = type.includes('json') && text !== '' ? (JSON.parse(text) as Json) : {};
      const answer: Answer = {
        status: response.status,
        headers: response.headers,
        text,
        body: parsed,
        get: (member) => String(parsed[member]),
        list: (member = 'items') => parsed[member] as readonly Json[],
      };
      guardPromise(method, path, answer);
      return answer;
    },
  };
}

/** An answer is not as it was promised: an assertion that failed, by its name in reports. */
class BrokenPromise extends Error {
  static {
    this.prototype.name = 'BrokenPromise';
  }
}

/** Throws when an answer is not as the operation promised it. */
function guardPromise(method: string, path: string, answer: Answer): void {
  const operation = operationAt(method, path);
  const problems = [
    ...(saneId.test(answer.headers.get('x-request-id') ?? '') ? [] : ['has no request id']),
    ...(answer.headers.get('content-type') === 'application/problem+json'
      ? brokenProblem(method, answer, operation)
      : brokenAnswer(method, answer, operation)),
  ];
  if (problems.length === 0) return;
  const { status, text } = answer;
  const said = `${method} ${path} → ${status} ${text.slice(0, 500)}`;
  throw new BrokenPromise(`${said}\n${problems.join('\n')}`);
}

const saneId = /^[A-Za-z0-9._:-]{1,128}$/;

function brokenAnswer(method: string, answer: Answer, operation: Operation | undefined): string[] {
  const response = operation?.responses[answer.status];
  if (response === undefined) return ['the description does not have this answer'];
  if (method === 'HEAD' || response.contentType !== undefined) return [];
  const type = answer.headers.get('content-type')?.split(';')[0];
  if (type !== undefined && type === response.textType) return [];
  if (response.schema !== undefined) return mistakesIn(response.schema, answer.body);
  return answer.text === '' ? [] : ['has a body'];
}

function brokenProblem(method: string, answer: Answer, operation: Operation | undefined): string[] {
  if (method === 'HEAD') return [];
  const code = answer.get('code');
  const isPromised = operation === undefined || codesOf(operation).includes(code);
  const problems = mistakesIn(problemView, answer.body);
  if (!isPromised) problems.push(`the description does not have the code ${code}`);
  if (problemKinds.get(code)?.status !== answer.status) problems.push('another status');
  if (answer.body['status'] !== answer.status) problems.push('another status in the body');
  if (answer.get('requestId') !== answer.headers.get('x-request-id')) problems.push('another id');
  return problems;
}

function mistakesIn(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map((issue) => JSON.stringify(issue)) ?? [];
}
