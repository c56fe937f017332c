import { Agent, request } from 'node:http';

export type WireAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

export type Wire = {
  /** Sends a request as it is: no part of its target is resolved or encoded. */
  send(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined,
  ): Promise<WireAnswer>;
  close(): void;
};

/** Requests are answered in so many ms, or they hang. */
const hangMs = 30_000;

/** Connections to a server, kept alive from one request to the next. */
export function openWire(url: string): Wire {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    close: () => agent.destroy(),
    send: (method, target, headers, body) =>
      new Promise((resolve, reject) => {
        const outgoing = request({
          hostname,
          port,
          method,
          path: target,
          agent,
          signal: AbortSignal.timeout(hangMs),
          headers: {
            ...headers,
            ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          },
        });
        outgoing.on('error', reject);
        outgoing.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
          });
        });
        outgoing.end(body);
      }),
  };
}
