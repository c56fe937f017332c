import type { Route } from './description.ts';
import type { FuzzRequest } from './requests.ts';
import { assembleRequest, bodySchemaOf } from './requests.ts';
import { isKnownName, placeholder, type Schema } from './schema-values.ts';

/** A place in a value where something else may be put, everything else being as it should. */
type Hole = {
  readonly type: 'text' | 'number';
  readonly fill: (value: unknown) => unknown;
};

/** For Postgres, for the wire, for lengths, for people. */
const worstTexts = ['\u0000', 'a\ud800', 'a\u001fb', '', 'x'.repeat(300), '😀'.repeat(129)];
const worstNumbers = [2_147_483_648, -2_147_483_648, 2 ** 53, 0.5, 1e308];

/**
 * Requests to a route: the plainest, then those with the worst values in each place that takes a
 * text or a number.
 */
export function worstRequests(route: Route): readonly FuzzRequest[] {
  const { parameters = [] } = route.described;
  const schema = bodySchemaOf(route);
  const body = schema === undefined ? undefined : plain(schema);
  const wanted = parameters.filter(({ in: place, required }) => place !== 'header' && required);
  const given = Object.fromEntries(
    wanted.map((parameter) => [parameter.name, String(plain(parameter.schema, parameter.name))]),
  );
  const request = (values: Record<string, string>, sent: unknown): FuzzRequest => {
    const inPath = new Set([...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    const entries = Object.entries(values);
    return assembleRequest(route, {
      caller: 'root',
      path: Object.fromEntries(entries.filter(([name]) => inPath.has(name))),
      query: Object.fromEntries(entries.filter(([name]) => !inPath.has(name))),
      headers: { 'content-type': 'application/json' },
      body: sent === undefined ? undefined : JSON.stringify(sent),
      encoding: 'utf8',
    });
  };
  const inParameters = parameters
    .filter(({ in: place }) => place !== 'header')
    .flatMap(({ name }) =>
      [...worstTexts, ...worstNumbers].map((worst) =>
        request({ ...given, [name]: String(worst) }, body),
      ),
    );
  const inBody = (schema === undefined ? [] : holesIn(schema)).flatMap(({ type, fill }) =>
    (type === 'text' ? worstTexts : worstNumbers).map((worst) => request(given, fill(worst))),
  );
  return [request(given, body), ...inParameters, ...inBody];
}

function holesIn(schema: Schema): readonly Hole[] {
  const union = schema.oneOf ?? schema.anyOf;
  if (union !== undefined) return union.flatMap(holesIn);
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['any']);
  return types.flatMap((type): readonly Hole[] => {
    if (type === 'string' || type === 'any') return [{ type: 'text', fill: (value) => value }];
    if (type === 'integer' || type === 'number')
      return [{ type: 'number', fill: (value) => value }];
    if (type === 'array') {
      return holesIn(schema.items ?? {}).map((hole) => ({
        ...hole,
        fill: (value) => [hole.fill(value)],
      }));
    }
    return type === 'object' ? holesInMembers(schema) : [];
  });
}

/** The other members are only those that have to be there: none of them gets in the way. */
function holesInMembers(schema: Schema): readonly Hole[] {
  const { properties = {}, additionalProperties } = schema;
  const around = plain(schema) as Record<string, unknown>;
  const inside = (member: string, inner: Schema): Hole[] =>
    holesIn(inner).map(({ type, fill }) => ({
      type,
      fill: (value) => ({ ...around, [member]: fill(value) }),
    }));
  const own = Object.entries(properties).flatMap(([member, inner]) => inside(member, inner));
  if (typeof additionalProperties !== 'object') return own;
  const name: Hole = { type: 'text', fill: (value) => ({ ...around, [String(value)]: 'x' }) };
  return [...own, ...inside('id', additionalProperties), name];
}

/** The least that a schema allows. */
function plain(schema: Schema, name = ''): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  if (isKnownName(name)) return placeholder(name);
  if (schema.example !== undefined) return schema.example;
  const [union] = schema.oneOf ?? schema.anyOf ?? [];
  if (union !== undefined) return plain(union);
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 1, 1);
  if (type === 'boolean') return true;
  if (type === 'array') return [plain(schema.items ?? {})];
  if (type === 'object') {
    const { properties = {}, required = [] } = schema;
    return Object.fromEntries(
      required.map((member) => [member, plain(properties[member] ?? {}, member)]),
    );
  }
  return schema.format === 'date-time' ? '2026-01-01T00:00:00.000Z' : 'x';
}
