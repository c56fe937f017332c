import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, request, type Dispatcher } from 'undici';
import {
  AddressRefused,
  isPublicAddress,
  literalAddress,
  lookupPublicAddress,
} from './public-address.ts';

/** A longer answer is a failure. */
const answerLimit = 4 * 1024 * 1024;

export type OutgoingRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** An answer of 200 is a file packed with gzip, whatever its headers say. */
  readonly isGzip?: boolean;
  /** An answer of 200 that is no UTF-8 is a failure: `invalid_encoding`. */
  readonly isUtf8?: boolean;
  /** Ends the request, whatever it is waiting for. */
  readonly signal: AbortSignal;
};

/** What was answered, whatever its status. */
export type OutgoingAnswer = {
  readonly ok: true;
  readonly status: number;
  /** Names in lower case; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/** Why there is no answer: a stable word such as `timeout`, `connection_refused` or `tls`. */
export type NoAnswer = { readonly ok: false; readonly code: string };

/** Makes requests to other people's servers. */
export type HttpClient = {
  /** Whether private, loopback and link-local addresses, and http without TLS, are allowed. */
  readonly allowPrivateAddresses: boolean;
  /** Redirects are not followed. Never rejects. */
  request(request: OutgoingRequest): Promise<OutgoingAnswer | NoAnswer>;
  close(): Promise<void>;
};

const codes: Readonly<Record<string, string>> = {
  ADDRESS_REFUSED: 'address_refused',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'invalid_response',
  ERR_BUFFER_TOO_LARGE: 'invalid_response',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'invalid_encoding',
  Z_BUF_ERROR: 'invalid_response',
  Z_DATA_ERROR: 'invalid_response',
};

/** Opens a client with connections of its own. */
export function createHttpClient(options: {
  readonly allowPrivateAddresses: boolean;
  /** 4 MB when absent. */
  readonly answerLimitBytes?: number;
}): HttpClient {
  const { allowPrivateAddresses, answerLimitBytes = answerLimit } = options;
  const agent = new Agent({
    connections: 16,
    keepAliveTimeout: 4_000,
    maxResponseSize: answerLimitBytes,
    // The request's signal is the only clock; these stay behind it.
    connect: {
      timeout: 60_000,
      ...(allowPrivateAddresses ? {} : { lookup: lookupPublicAddress }),
    },
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  });
  return {
    allowPrivateAddresses,
    request: async ({ url, signal, isGzip = false, isUtf8 = false, ...rest }) => {
      try {
        const literal = literalAddress(new URL(url).hostname);
        if (!allowPrivateAddresses && literal !== undefined && !isPublicAddress(literal)) {
          throw new AddressRefused();
        }
        const response = await request(url, { dispatcher: agent, signal, ...rest });
        const { body, statusCode } = response;
        const isFile = statusCode === 200 && (isGzip || isUtf8);
        const read = isGzip ? unpack : decodeUtf8;
        const text = isFile
          ? await read(await body.arrayBuffer(), answerLimitBytes)
          : await body.text();
        return { ok: true, status: statusCode, headers: headersOf(response), text };
      } catch (error) {
        return { ok: false, code: signal.aborted ? 'timeout' : codeOfError(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

/** Text that was packed; more than so many bytes of it are an error. */
async function unpack(packed: ArrayBuffer, maxOutputLength: number): Promise<string> {
  return (await promisify(gunzip)(packed, { maxOutputLength })).toString('utf8');
}

function decodeUtf8(bytes: ArrayBuffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** What is wrong with a URL that requests are to be made to; undefined when nothing is. */
export function urlProblem(text: string, allowPrivateAddresses: boolean): string | undefined {
  if (!URL.canParse(text)) return 'a URL that begins with https://';
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || (allowPrivateAddresses && url.protocol === 'http:');
  if (!isWeb) {
    return `a URL that begins with https://${allowPrivateAddresses ? ' or http://' : ''}`;
  }
  if (url.username !== '' || url.password !== '') return 'a URL without user name and password';
  const literal = literalAddress(url.hostname);
  if (!allowPrivateAddresses && literal !== undefined && !isPublicAddress(literal)) {
    return 'a URL with a public address';
  }
  return undefined;
}

function headersOf({ headers }: Dispatcher.ResponseData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return first === undefined ? [] : [[name, first]];
    }),
  );
}

/** Why a request has no answer, as a stable word. */
export function codeOfError(error: unknown): string {
  if (error instanceof Error && error.name === 'HTTPParserError') return 'invalid_response';
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return 'network';
  }
  const { code } = error;
  const known = codes[code];
  if (known !== undefined) return known;
  // Words of OpenSSL: no certificate to trust, or no TLS at all.
  if (/CERT|SSL|TLS|SELF_SIGNED|EPROTO/.test(code)) return 'tls';
  return 'network';
}
