export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

const methods = new Set(['get', 'put', 'post', 'patch', 'delete']);

/** A document of Swagger 2.0, such as Amazon's models are, in the words of OpenAPI 3. */
export function openApiOf(document: JsonObject): JsonObject {
  const paths = Object.entries(objectOf(document['paths'])).map(([path, item]) => {
    const own = Object.entries(objectOf(item)).filter(([name]) => methods.has(name));
    return [path, Object.fromEntries(own.map(([name, one]) => [name, operationOf(one)]))] as const;
  });
  return {
    openapi: '3.0.3',
    info: { title: 'Amazon', version: '0' },
    paths: Object.fromEntries(paths),
    components: { schemas: moved(document['definitions'] ?? {}) },
  };
}

function operationOf(operation: Json): JsonObject {
  const { operationId = '', parameters = [], responses } = objectOf(operation);
  const all = (parameters as readonly Json[]).map(objectOf);
  const body = all.find((one) => one['in'] === 'body');
  const answers = Object.entries(objectOf(responses)).map(([status, answer]) => {
    const { schema } = objectOf(answer);
    return [status, { description: status, ...contentOf(schema) }] as const;
  });
  return {
    operationId,
    parameters: all.filter((one) => one !== body).map(parameterOf),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, ...contentOf(body['schema']) } }),
    responses: Object.fromEntries(answers),
  };
}

function contentOf(schema: Json | undefined): JsonObject {
  if (schema === undefined) return {};
  return { content: { 'application/json': { schema: moved(schema) } } };
}

function parameterOf(parameter: JsonObject): JsonObject {
  const { name = '', in: place = '', required = false, collectionFormat, ...schema } = parameter;
  const list = collectionFormat === 'csv' ? { style: 'form', explode: false } : {};
  return { name, in: place, required, ...list, schema: moved(schema) };
}

/** References lead to another place there, and Amazon's own notes mean nothing. */
function moved(part: Json): Json {
  if (typeof part === 'string') return part.replace(/^#\/definitions\//, '#/components/schemas/');
  if (part === null || typeof part !== 'object') return part;
  if (Array.isArray(part)) return (part as readonly Json[]).map(moved);
  const own = Object.entries(part as JsonObject).filter(([name]) => !name.startsWith('x-'));
  return Object.fromEntries(own.map(([name, value]) => [name, moved(value)]));
}

function objectOf(value: Json | undefined): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : {};
}
