import fc from 'fast-check';
import type { Parameter, Route } from './description.ts';
import { hostileJson, hostileText } from './hostile-values.ts';
import { nearlyValid } from './nearly-valid.ts';
import { placeholder, validValue, type Schema } from './schema-values.ts';

/** Whose key a request bears. */
export type CallerKind = 'root' | 'admin' | 'member' | 'nobody' | 'stranger' | 'elsewhere';

/** A request as it is generated: ids of the run's world are placeholders still. */
export type FuzzRequest = {
  readonly route: string;
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly caller: CallerKind;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** `latin1`: bytes that are no UTF-8. */
  readonly encoding: 'utf8' | 'latin1';
};

/** Requests to a route as its description allows them. */
export function validRequest(route: Route): fc.Arbitrary<FuzzRequest> {
  return assemble(route, validParts(route));
}

/** Requests to a route: valid, or nearly valid or hostile in one part, or in all of them. */
export function anyRequest(route: Route): fc.Arbitrary<FuzzRequest> {
  const { parameters = [], requestBody } = route.described;
  const valid = validParts(route);
  const hostile = hostileParts(route);
  const has = (place: string): boolean => parameters.some((parameter) => parameter.in === place);
  // What is hostile in one part alone gets past the checks of the others.
  const one = (part: keyof Parts, weight: number) => ({
    weight,
    arbitrary: assemble(route, { ...valid, [part]: hostile[part] }),
  });
  return fc.oneof(
    { weight: 3, arbitrary: assemble(route, valid) },
    { weight: 1, arbitrary: assemble(route, hostile) },
    one('body', requestBody === undefined ? 1 : 8),
    one('path', has('path') ? 3 : 0),
    one('query', has('query') ? 5 : 1),
    one('headers', 3),
    one('caller', 1),
    one('encoding', requestBody === undefined ? 0 : 1),
  );
}

function validParts(route: Route): Parts {
  const { parameters = [] } = route.described;
  const schema = bodySchemaOf(route);
  return {
    caller: caller('root'),
    path: valuesOf(parameters, 'path', (parameter) => textOf(validParameter(parameter))),
    query: valuesOf(parameters, 'query', (parameter) => textOf(validParameter(parameter))),
    headers: fc.record({ 'content-type': fc.constant('application/json') }),
    body: schema === undefined ? fc.constant(undefined) : validValue(schema).map(toJson),
    encoding: fc.constant('utf8'),
  };
}

function hostileParts(route: Route): Parts {
  const { parameters = [] } = route.described;
  const unknown = fc.dictionary(hostileText, hostileText, { maxKeys: 1 });
  return {
    caller: callers,
    path: valuesOf(parameters, 'path', anyText),
    query: fc
      .tuple(valuesOf(parameters, 'query', anyText), unknown)
      .map(([known, more]) => ({ ...more, ...known })),
    headers,
    body: anyBody(route),
    encoding: fc.constant('latin1'),
  };
}

/** What a request is made of. */
export type RequestParts = Pick<FuzzRequest, 'caller' | 'headers' | 'body' | 'encoding'> & {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
};

type Parts = { readonly [Part in keyof RequestParts]: fc.Arbitrary<RequestParts[Part]> };

function assemble(route: Route, parts: Parts): fc.Arbitrary<FuzzRequest> {
  return fc.record(parts).map((given) => assembleRequest(route, given as RequestParts));
}

/** A request to a route, its parameters encoded. */
export function assembleRequest(route: Route, parts: RequestParts): FuzzRequest {
  const { path, query, ...rest } = parts;
  const pathname = route.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
    // Without it the path would be that of another route.
    encode(path[parameter] || 'x'),
  );
  const pairs = Object.entries(query).map(([key, text]) => `${encode(key)}=${encode(text)}`);
  const target = pairs.length === 0 ? pathname : `${pathname}?${pairs.join('&')}`;
  return { route: route.name, method: route.method, target, ...rest };
}

/** Percent-encoded; what no encoding has goes out as a byte that is none. Placeholders stay. */
function encode(text: string): string {
  if (/^\{\{\w+\}\}$/.test(text)) return text;
  if (!text.isWellFormed()) return '%ff';
  // No URL has these as segments: a client would resolve them.
  return /^\.{1,2}$/.test(text) ? text.replaceAll('.', '%2E') : encodeURIComponent(text);
}

/** What a route takes as JSON, if it does. */
export function bodySchemaOf({ described }: Route): Schema | undefined {
  return Object.values(described.requestBody?.content ?? {})[0]?.schema;
}

function validParameter({ schema, name }: Parameter): fc.Arbitrary<unknown> {
  return name === 'file' ? fc.constant('swagger-ui.css') : validValue(schema, name);
}

function textOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return value.map(String);
}

function anyText(parameter: Parameter): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 1, arbitrary: textOf(validParameter(parameter)) },
    { weight: 2, arbitrary: hostileText },
  );
}

function valuesOf(
  parameters: readonly Parameter[],
  place: 'path' | 'query',
  value: (parameter: Parameter) => fc.Arbitrary<string>,
): fc.Arbitrary<Record<string, string>> {
  const wanted = parameters.filter((parameter) => parameter.in === place);
  return fc.record(
    Object.fromEntries(wanted.map((parameter) => [parameter.name, value(parameter)])),
    { requiredKeys: wanted.flatMap(({ name, required }) => (required ? name : [])) },
  ) as fc.Arbitrary<Record<string, string>>;
}

const caller = (...kinds: CallerKind[]): fc.Arbitrary<CallerKind> => fc.constantFrom(...kinds);

const callers = caller('admin', 'member', 'nobody', 'stranger', 'elsewhere');

/** Node's client sends no control characters; each other character is a byte. */
const headerText = hostileText.map((text) =>
  Array.from(Buffer.from(text, 'utf8').toString('latin1'))
    .filter((character) => !/\p{Cc}/u.test(character))
    .join(''),
);

const sometimes = (...values: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: headerText },
  );

const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 8, arbitrary: fc.constant('application/json') },
      { weight: 1, arbitrary: fc.constant('application/cloudevents+json; charset=utf-8') },
      { weight: 1, arbitrary: sometimes('text/plain', 'application/json; charset=utf-16') },
    ),
    'content-encoding': fc.constantFrom('identity', 'identity', 'gzip'),
    'idempotency-key': sometimes('key-1', 'key-2'),
    'if-match': sometimes('*', '"1"', '"1", "2"', 'W/"3"'),
    'if-none-match': sometimes('*', '"1"', '"2"'),
    'x-request-id': sometimes('request-1'),
    accept: sometimes('text/html'),
  },
  { requiredKeys: ['content-type'] },
) as fc.Arbitrary<Record<string, string>>;

const brokenBodies = [
  '',
  ' ',
  '{',
  '{"a":',
  'null',
  '0',
  '"text"',
  '\ufeff{}',
  '{"a":1,"a":2}',
  '1'.repeat(400),
  '1e999',
  '[' + '['.repeat(5_000),
  `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
  `{"a":${'{"a":'.repeat(500)}1${'}'.repeat(501)}`,
  `{"reason":"${'x'.repeat(70_000)}"}`,
  '\u00ff\u00fe',
  '"\\ud800"',
];

function anyBody(route: Route): fc.Arbitrary<string | undefined> {
  const schema = bodySchemaOf(route);
  const broken = fc.constantFrom<string | undefined>(...brokenBodies, undefined);
  // A body where none belongs is nobody's business.
  if (schema === undefined) {
    return fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: broken },
    );
  }
  const valid = validValue(schema);
  return fc.oneof(
    { weight: 8, arbitrary: nearlyValid(valid).map(toJson) },
    { weight: 1, arbitrary: hostileJson.map(toJson) },
    { weight: 1, arbitrary: broken },
  );
}

function toJson(value: unknown): string | undefined {
  return JSON.stringify(value);
}

/** A text with the ids of a world in place of their placeholders. */
export function fillIn(text: string, ids: Readonly<Record<string, string>>): string {
  return Object.entries(ids).reduce(
    (filled, [name, id]) => filled.replaceAll(placeholder(name), id),
    text,
  );
}
