import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { buildClientSchema, type GraphQLSchema, type IntrospectionQuery } from 'graphql';

/** The version the schema beside this file is of. Its licence lies there too. */
export const schemaVersion = '2026-07';

let schema: GraphQLSchema | undefined;

/** Shopify's own Admin schema. Building it takes some 300 ms: once in a process. */
export function shopifySchema(): GraphQLSchema {
  if (schema !== undefined) return schema;
  const file = new URL(`admin_${schemaVersion}.json.gz`, import.meta.url);
  const { data } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as {
    data: IntrospectionQuery;
  };
  // Shopify made it from a schema in use; checking it again takes longer than all the rest.
  schema = buildClientSchema(data, { assumeValid: true });
  return schema;
}
