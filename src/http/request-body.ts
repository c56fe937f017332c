import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { refuse, type Refusal } from '../errors.ts';

const tooLarge = (limit: number): Refusal =>
  refuse('REQUEST.TOO_LARGE', `A body has at most ${limit} bytes.`, { limitBytes: limit });

const mediaType = /^\s*([^\s;]+)\s*(?:;\s*charset\s*=\s*"?([^\s";]+)"?\s*)?(?:;.*)?$/i;

/** Whether a body of this content type can be read. JSON without a content type can. */
function guardType(incoming: IncomingMessage, types: readonly string[]): Refusal | undefined {
  const given = incoming.headers['content-type'];
  const encoding = incoming.headers['content-encoding'];
  if (given === 'application/json' && encoding === undefined) return undefined;
  const [, type = '', charset = 'utf-8'] = mediaType.exec(given ?? 'application/json') ?? [];
  const known = types.includes(type.toLowerCase()) && /^utf-?8$/i.test(charset);
  if (known && (encoding === undefined || encoding === 'identity')) return undefined;
  return refuse('REQUEST.UNSUPPORTED_TYPE', `A body is ${types.join(' or ')} in UTF-8.`, {
    supported: types,
  });
}

/**
 * The value of a JSON body that was read; undefined when it is empty.
 * Refusals, in this order: REQUEST.UNSUPPORTED_TYPE, REQUEST.MALFORMED.
 */
export function parseJson(
  incoming: IncomingMessage,
  types: readonly string[],
  bytes: Buffer,
): { readonly value: unknown } | Refusal | undefined {
  if (bytes.length === 0) return undefined;
  const refusal = guardType(incoming, types);
  if (refusal !== undefined) return refusal;
  if (!isUtf8(bytes)) return refuse('REQUEST.MALFORMED', 'The body is not valid UTF-8.');
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch {
    // The parser's message repeats the body.
    return refuse('REQUEST.MALFORMED', 'The body is not valid JSON.');
  }
}

/**
 * Reads a body once, as it came, before anybody trusts it, and never more of it than the limit;
 * empty where there is none. Refusals: REQUEST.TOO_LARGE, REQUEST.MALFORMED (it ended too early).
 */
export function readRaw(incoming: IncomingMessage, limitBytes: number): Promise<Buffer | Refusal> {
  const { 'content-length': length, 'transfer-encoding': transfer } = incoming.headers;
  if (transfer === undefined && (length === undefined || length === '0')) return nothing;
  if (Number(length) > limitBytes) return Promise.resolve(tooLarge(limitBytes));
  return readBytes(incoming, limitBytes);
}

function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer | Refusal> {
  // A request without a body was never a stream: nothing of it will be heard.
  if (incoming.readableEnded) return nothing;
  return new Promise((resolve) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) resolve(tooLarge(limit));
      else if (first === undefined) first = chunk;
      else (more ??= [first]).push(chunk);
    });
    incoming.on('end', () => resolve(more === undefined ? (first ?? empty) : Buffer.concat(more)));
    // The client went away: nobody will read what this is answered with.
    incoming.on('close', () => resolve(refuse('REQUEST.MALFORMED', 'The body ended too early.')));
  });
}

const empty = Buffer.alloc(0);
const nothing = Promise.resolve(empty);
