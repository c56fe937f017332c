import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OpenAPIBackend, type Document } from 'openapi-backend';
import addFormats from 'ajv-formats';
import type { EmulatedRequest } from '../emulator.ts';

/** Square's own specification, where it lies beside the project; it is no part of it. */
const specificationFile = fileURLToPath(
  new URL('../../../shared/data/vendor-specs/square/api.json', import.meta.url),
);

/** The operations that are asked for here: the whole has some hundreds. */
const operations: Readonly<Record<string, readonly string[]>> = {
  '/v2/inventory/changes/batch-create': ['post'],
  '/v2/inventory/counts/batch-retrieve': ['post'],
  '/v2/catalog/list': ['get'],
  '/v2/locations': ['get'],
  '/v2/orders/{order_id}': ['get'],
  '/oauth2/token/status': ['post'],
};

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** What a request breaks of the specification; none where that is not at hand. */
export type Checker = (request: EmulatedRequest) => readonly string[];

/** Whether requests are checked against Square's own specification. */
export const hasSpecification = existsSync(specificationFile);

let opened: Promise<Checker> | undefined;

/** Reads the specification, once for all. */
export function openSpecification(): Promise<Checker> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Checker> {
  if (!hasSpecification) return () => [];
  const definition = excerpt(JSON.parse(readFileSync(specificationFile, 'utf8')) as JsonObject);
  const api = new OpenAPIBackend({
    // An excerpt of a document that is valid.
    definition: definition as unknown as Document,
    quick: true,
    ajvOpts: { strict: false },
    customizeAjv: (ajv) => {
      addFormats.default(ajv);
      return ajv;
    },
  });
  await api.init();
  return ({ method, path, query, headers, body }) => {
    const asked = {
      method,
      path,
      headers: { ...headers },
      query: Object.fromEntries(query),
      ...(body === '' ? {} : { body: jsonOf(body) }),
    };
    const operation = api.matchOperation(asked);
    if (operation === undefined) return [`${method} ${path} is none of its operations`];
    const { errors } = api.validateRequest(asked, operation);
    return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
  };
}

/** The operations above with the schemas that they reach, without references to elsewhere. */
function excerpt(document: JsonObject): JsonObject {
  const paths = objectOf(document['paths']);
  const schemas = objectOf(objectOf(document['components'])['schemas']);
  const wanted = Object.entries(operations).map(([path, methods]) => {
    const item = objectOf(paths[path]);
    return [
      path,
      Object.fromEntries(methods.map((name) => [name, requestOf(item[name])])),
    ] as const;
  });
  const reached: Record<string, Json> = {};
  const unread: Json[] = wanted.map(([, item]) => item);
  for (let part = unread.pop(); part !== undefined; part = unread.pop()) {
    for (const name of schemasNamedIn(part)) {
      if (name in reached) continue;
      const schema = withoutForeign(schemas[name] ?? {});
      reached[name] = schema;
      unread.push(schema);
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Square', version: '0' },
    paths: Object.fromEntries(wanted),
    components: { schemas: reached },
  };
}

/** What is said of a request: answers are the emulator's own. */
function requestOf(operation: Json | undefined): JsonObject {
  const { operationId = '', parameters = [], requestBody } = objectOf(operation);
  const body = requestBody === undefined ? {} : { requestBody };
  return { operationId, parameters, ...body, responses: { '200': { description: 'Success' } } };
}

const local = '#/components/schemas/';

function schemasNamedIn(part: Json): readonly string[] {
  const found = JSON.stringify(part).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  return [...found].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** References to Square's own hosts allow everything: only Square can follow them. */
function withoutForeign(part: Json): Json {
  if (part === null || typeof part !== 'object') return part;
  if (Array.isArray(part)) return (part as readonly Json[]).map(withoutForeign);
  const members = part as JsonObject;
  const reference = members['$ref'];
  if (typeof reference === 'string' && !reference.startsWith(local)) return {};
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, withoutForeign(value)]),
  );
}

function objectOf(value: Json | undefined): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : {};
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
