import { OpenAPIHono, z } from '@hono/zod-openapi';
import { idempotencyKey } from './fields.ts';
import type { Operation, ResponseContract } from './operation.ts';
import { kindOf } from './problem.ts';
import { problemView } from './views.ts';

const securityName = 'key';

/** The API's description (OpenAPI 3.1), made of the schemas that check the requests. */
export function describeApi(operations: readonly Operation[], version: string): object {
  // Only its registry is used: it is how the package gives access to one.
  const described = new OpenAPIHono();
  const registry = described.openAPIRegistry;
  registry.registerComponent('securitySchemes', securityName, { type: 'http', scheme: 'bearer' });
  for (const operation of operations) describeOperation(registry, operation);
  return described.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'onhand',
      version,
      description:
        "Keeps every sales channel's stock true. Errors are application/problem+json with a code.",
    },
    servers: [{ url: '/' }],
  });
}

type Registry = OpenAPIHono['openAPIRegistry'];

function describeOperation(registry: Registry, operation: Operation): void {
  const { method, path, tag, summary, description, access, shapes } = operation;
  const content = Object.fromEntries(
    ['application/json', ...(operation.bodyTypes ?? [])].map((type) => [
      type,
      { schema: operation.bodyAsDescribed ?? shapes.body ?? z.undefined() },
    ]),
  );
  registry.registerPath({
    method,
    path,
    tags: [tag],
    summary,
    operationId: operationIdOf(method, path),
    ...(description === undefined ? {} : { description }),
    security: access === 'open' ? [] : [{ [securityName]: [] }],
    request: {
      ...(shapes.params === undefined ? {} : { params: z.object(shapes.params) }),
      ...(shapes.query === undefined ? {} : { query: z.object(shapes.query) }),
      headers: headersOf(operation),
      ...(shapes.body === undefined
        ? {}
        : { body: { content, required: operation.bodyOptional !== true } }),
    },
    responses: { ...responsesOf(operation.responses), ...problemsOf(operation) },
  });
}

/** `POST /api/reservations/{id}/commit` is `postReservationsIdCommit`. */
function operationIdOf(method: string, path: string): string {
  const words = path.match(/\w+/g) ?? [];
  // What is not below /api would otherwise bear the name of what is.
  const named = words[0] === 'api' ? words.slice(1) : ['plain', ...words];
  return method + named.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function headersOf(operation: Operation): z.ZodObject {
  const { access, idempotency, takesIfMatch, method } = operation;
  return z.object({
    'x-request-id': z.string().optional(),
    ...(access === 'open' ? {} : { 'X-Merchant-Id': z.string().optional() }),
    ...(idempotency === undefined ? {} : { 'Idempotency-Key': idempotencyKey.optional() }),
    ...(takesIfMatch === true ? { 'If-Match': z.string().optional() } : {}),
    ...(method === 'get' && operation.responses[304] !== undefined
      ? { 'If-None-Match': z.string().optional() }
      : {}),
  });
}

function responsesOf(responses: Readonly<Record<number, ResponseContract>>) {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema, contentType, textType }]) => [
      status,
      schema === undefined
        ? { description }
        : {
            description,
            content: {
              [contentType ?? 'application/json']: { schema },
              ...(textType === undefined ? {} : { [textType]: { schema: z.string() } }),
            },
          },
    ]),
  );
}

/** Every code that an operation can refuse with. */
export function codesOf(operation: Operation): string[] {
  const { access, shapes, changes, idempotency } = operation;
  const isOpen = access === 'open';
  const takesInput = shapes.params !== undefined || shapes.query !== undefined;
  return [
    ...(isOpen ? [] : ['AUTH.MISSING', 'AUTH.INVALID', 'AUTH.FORBIDDEN', 'RATE_LIMIT.EXCEEDED']),
    ...(isOpen ? [] : ['MERCHANT.NOT_FOUND', 'DATABASE.UNAVAILABLE']),
    ...(takesInput || shapes.body !== undefined ? ['REQUEST.MALFORMED', 'REQUEST.INVALID'] : []),
    ...(shapes.body === undefined ? [] : ['REQUEST.TOO_LARGE', 'REQUEST.UNSUPPORTED_TYPE']),
    ...(changes === true ? ['LOAD.SHED'] : []),
    ...(idempotency === undefined ? [] : ['IDEMPOTENCY.KEY_REUSED', 'IDEMPOTENCY.IN_PROGRESS']),
    ...(operation.refusals ?? []),
    'INTERNAL.FAULT',
  ];
}

function problemsOf(operation: Operation) {
  const byStatus = Map.groupBy(codesOf(operation), (code) => kindOf(code).status);
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => operation.responses[status] === undefined)
      .map(([status, codes]) => [
        status,
        {
          description: codes.join(', '),
          content: { 'application/problem+json': { schema: problemView } },
        },
      ]),
  );
}
