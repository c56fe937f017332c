import type { IncomingMessage, ServerResponse } from 'node:http';

/** So long a body that nobody wants is still read, so that its sender comes to read the answer. */
const drainMs = 500;

/**
 * Sends an answer in one piece. What of the request has not arrived by then is read away for a
 * moment, then the connection ends.
 * @param headers names and values in turn, without the length
 */
export function send(
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  status: number,
  headers: string[],
  body: string | Uint8Array | null,
): void {
  // The client went away.
  if (outgoing.destroyed) return;
  if (!incoming.complete) {
    outgoing.once('finish', () => {
      if (!incoming.complete) drain(incoming);
    });
  }
  if (body === null) {
    if (status !== 204 && status !== 304) headers.push('content-length', '0');
    outgoing.writeHead(status, headers).end();
  } else {
    const length = Buffer.byteLength(body);
    headers.push('content-length', String(length));
    // A text of ASCII alone is the same in both, and Node writes it down faster as Latin-1.
    const encoding = length === body.length ? 'latin1' : 'utf8';
    outgoing.writeHead(status, headers).end(body, encoding);
  }
}

function drain(incoming: IncomingMessage): void {
  const timer = setTimeout(() => incoming.socket.destroySoon(), drainMs).unref();
  incoming.once('end', () => clearTimeout(timer));
  incoming.once('close', () => clearTimeout(timer));
  incoming.resume();
}
