import { createServer, type Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { refuse, UsageError } from '../errors.ts';
import { openAdminQueues } from './admin-queues.ts';
import type { Services } from './context.ts';
import { backlog, closerOf } from './gentle-close.ts';
import { kindOf, problemDocument } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { createExpectationRefuser, createRouter } from './router.ts';
import { operationsOf } from './routes/index.ts';
import { openDesk } from './run-operation.ts';

export type HttpFace = {
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new connections, lets requests finish, and then ends; resolves when all is closed.
   * @param timeoutMs after which what still runs is cut off
   * @returns whether every request that was begun is answered
   */
  close(timeoutMs: number): Promise<boolean>;
};

/** Answers HTTP until it is closed. Port 0 is any free one. */
export async function startHttpServer(
  services: Services,
  at: { readonly host: string; readonly port: number },
): Promise<HttpFace> {
  const desk = openDesk(services);
  const adminQueues = openAdminQueues(desk);
  const server = createServer(
    // Longer than the idle time of common proxies and clients: they hang up first, so that no
    // request crosses with our hanging up.
    {
      keepAliveTimeout: 72_000,
      headersTimeout: 60_000,
      requestTimeout: 120_000,
      optimizeEmptyRequests: true,
      // Looked for by the router, whose refusals are problem documents.
      requireHostHeader: false,
    },
    createRouter(operationsOf(services), adminQueues, desk),
  );
  const closeGently = closerOf(server);
  server.on('checkExpectation', createExpectationRefuser(desk));
  server.on('clientError', answerBrokenRequest);
  await listen(server, at);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : at.port;
  const host = at.host.includes(':') ? `[${at.host}]` : at.host;
  return {
    url: `http://${host}:${port}`,
    port,
    async close(timeoutMs) {
      desk.isClosing = true;
      const isWhole = await closeGently(timeoutMs);
      await adminQueues.close();
      desk.log.flush();
      return isWhole;
    },
  };
}

function listen(server: HttpServer, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => {
      const hint = 'choose another address with PORT or HOST';
      reject(new UsageError(`cannot listen on ${host}:${port}: ${hint}`, { cause }));
    };
    server.once('error', refused);
    server.listen({ host, port, backlog }, () => {
      server.off('error', refused);
      resolve();
    });
  });
}

/** What is no HTTP at all, or too much of it, is answered as well before the connection ends. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'REQUEST.HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'REQUEST.TIMEOUT'
        : 'REQUEST.MALFORMED';
  const { status, title } = kindOf(code);
  const requestId = requestIdOf(undefined);
  const refusal = refuse(code, `${title}.`);
  const body = problemDocument(refusal, { instance: '/', requestId });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\nx-request-id: ${requestId}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `\r\n${body}`,
  );
}
