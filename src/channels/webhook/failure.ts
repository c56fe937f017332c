import type { PublishFailure } from '../adapter.ts';
import { retryAfterMs } from './retry-after.ts';

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
};

/** What a call without an answer means. */
export function failureOfError(error: unknown, signal: AbortSignal): PublishFailure {
  return { code: signal.aborted ? 'timeout' : codeOf(error), scope: 'channel' };
}

function codeOf(error: unknown): string {
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

/** What an answer other than 2xx means. */
export function failureOfStatus(
  status: number,
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const failure = { code: `http_${status}`, httpStatus: status };
  if (status === 410) return { ...failure, scope: 'channel', pause: 'The receiver answered 410.' };
  if (status === 429 || status === 503) {
    const wait = retryAfterMs(retryAfter, now);
    return {
      ...failure,
      scope: 'channel',
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
  // The receiver is there and says what it thinks of this request; others may be welcome.
  const isAboutRequest = status >= 300 && status < 500 && status !== 408;
  return { ...failure, scope: isAboutRequest ? 'request' : 'channel' };
}
