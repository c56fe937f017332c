import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** How the other end of a channel can be dead. */
export const deadWays = ['refuses', 'hangs', 'answers 503'] as const;
export type DeadWay = (typeof deadWays)[number];

export type DeadEnd = {
  readonly url: string;
  close(): Promise<void>;
};

/** The other end of a channel that takes nothing. */
export async function openDeadEnd(way: DeadWay): Promise<DeadEnd> {
  const sockets = new Set<Socket>();
  const server: Server | HttpServer =
    way === 'answers 503'
      ? createHttpServer((request, response) => {
          request.resume().on('end', () => response.writeHead(503).end());
        })
      : createServer((socket) => socket.resume());
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  // Nobody listens on a port that was just given back.
  if (way === 'refuses') await close();
  return { url, close };
}
