import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import addFormats from 'ajv-formats';
import { OpenAPIBackend, type Document } from 'openapi-backend';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { openApiOf, type JsonObject } from './swagger.ts';

/** Amazon's own models, where they lie beside the project; they are no part of it. */
const folder = new URL('../../../shared/data/vendor-specs/amazon/', import.meta.url);
const files = ['listingsItems_2021-08-01.json', 'feeds_2021-06-30.json'].map((name) => {
  return fileURLToPath(new URL(name, folder));
});

/** What a request, or an answer to it, breaks of the models; none where they are not at hand. */
export type Checker = {
  request(request: EmulatedRequest): readonly string[];
  answer(request: EmulatedRequest, answer: EmulatedAnswer): readonly string[];
};

/** Whether requests are checked against Amazon's own models. */
export const hasSpecification = files.every((file) => existsSync(file));

let opened: Promise<Checker> | undefined;

/** Reads the models, once for all. */
export function openSpecification(): Promise<Checker> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Checker> {
  if (!hasSpecification) return { request: () => [], answer: () => [] };
  const apis = await Promise.all(files.map(openModel));
  const find = (request: EmulatedRequest) => {
    const asked = askedOf(request);
    for (const api of apis) {
      const operation = api.matchOperation(asked);
      if (operation !== undefined) return { api, asked, operation };
    }
    return undefined;
  };
  return {
    request: (request) => {
      const found = find(request);
      if (found === undefined) return [`${request.method} ${request.path} is no operation`];
      return textsOf(found.api.validateRequest(found.asked, found.operation).errors);
    },
    answer: (request, { status, body }) => {
      const found = find(request);
      if (found === undefined) return [];
      return textsOf(found.api.validateResponse(body, found.operation, status).errors);
    },
  };
}

async function openModel(file: string): Promise<OpenAPIBackend> {
  const definition = openApiOf(JSON.parse(readFileSync(file, 'utf8')) as JsonObject);
  const api = new OpenAPIBackend({
    // Made from a document that is valid.
    definition: definition as unknown as Document,
    quick: true,
    ajvOpts: { strict: false },
    customizeAjv: (ajv) => {
      addFormats.default(ajv);
      return ajv;
    },
  });
  await api.init();
  return api;
}

function askedOf({ method, path, query, headers, body }: EmulatedRequest) {
  const text = query.toString();
  return {
    method,
    path: text === '' ? path : `${path}?${text}`,
    headers: { ...headers },
    query: Object.fromEntries(query),
    ...(body === '' ? {} : { body: JSON.parse(body) as unknown }),
  };
}

type Problem = { readonly instancePath: string; readonly message?: string | undefined };

function textsOf(errors: readonly Problem[] | null | undefined): readonly string[] {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}
