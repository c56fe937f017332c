import { isUtf8 } from 'node:buffer';
import { ok, refuse, refused, type Refusal, type Result } from '../errors.ts';

/** The path of a request as it was sent, without the query. */
export function rawPathOf(url: string | undefined): string {
  const target = rawTargetOf(url);
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

/** The path of a request and its query as they were sent. */
export function rawTargetOf(url: string | undefined): string {
  const target = url ?? '/';
  // The absolute form that proxies send: only the part behind the host counts.
  const start = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3);
  return start < 0 ? '/' : target.slice(start);
}

const malformed = (what: string) =>
  refused(refuse('REQUEST.MALFORMED', `${what} is not valid percent-encoded UTF-8.`));

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The names of a pattern's parameters, `{name}` in its path. */
export function parameterNames(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

/** The parameters of a path by name: their texts as sent, or which of `texts` each is. */
export type PathMatch = {
  readonly places: Readonly<Record<string, number | string>>;
  readonly texts: readonly string[];
};

/**
 * The parameters of a path, each decoded once. The router has cut them out of the path when it
 * found the route: to split it again costs as much as all else here.
 * Refusals: REQUEST.MALFORMED.
 */
export function readParameters(
  rawPath: string,
  names: readonly string[],
  { places, texts }: PathMatch,
): Result<Record<string, string>> {
  const parameters: Record<string, string> = {};
  if (names.length === 0) return ok(parameters);
  // Anything but ASCII has to be percent-encoded: bytes that came raw have no known encoding.
  if (/[^ -~]/.test(rawPath)) return malformed('The path');
  for (const name of names) {
    const place = places[name] ?? '';
    const text = typeof place === 'string' ? place : (texts[place] ?? '');
    const value = text.includes('%') ? decode(text) : text;
    if (value === undefined) return malformed('The path');
    parameters[name] = value;
  }
  return ok(parameters);
}

/**
 * The parameters of a query, the first of each name. Refusals: REQUEST.MALFORMED, REQUEST.INVALID
 * (one is given twice).
 */
export function readQuery(url: string | undefined): Result<Record<string, string>> {
  const start = url?.indexOf('?') ?? -1;
  const query: Record<string, string> = Object.create(null);
  if (url === undefined || start < 0) return ok(query);
  for (const part of url.slice(start + 1).split('&')) {
    if (part === '') continue;
    const text = part.replaceAll('+', ' ');
    const equals = text.indexOf('=');
    const name = decode(equals < 0 ? text : text.slice(0, equals));
    const value = equals < 0 ? '' : decode(text.slice(equals + 1));
    if (name === undefined || value === undefined) return malformed('The query');
    if (name in query) {
      return refused(invalid([{ path: name, message: 'Given more than once' }]));
    }
    query[name] = value;
  }
  return ok(query);
}

/**
 * A header's text. Node gives each byte as one character; what is UTF-8 is read as such, so that a
 * key in a header is the same as that key in a body.
 */
export function headerText(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

/** A 422 that says what is wrong where. */
export function invalid(
  errors: readonly { readonly path: string; readonly message: string }[],
): Refusal {
  const [first] = errors;
  const detail =
    first === undefined
      ? 'The request is not valid.'
      : `${first.path || 'body'}: ${first.message}.`;
  return refuse('REQUEST.INVALID', detail, { errors });
}
