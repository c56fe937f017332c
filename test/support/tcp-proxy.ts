import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type TcpProxy = {
  /** The target's connection string with the proxy's address. */
  readonly connectionString: string;
  /** Breaks the clients' side of every connection; the server's side lives on for a moment. */
  cutClients(): void;
  /** Breaks everything and refuses new connections until `open` is called. */
  shut(): void;
  open(): void;
  close(): Promise<void>;
};

/** What happens to a connection on which data arrives: as a whole, in part, or not at all. */
export type Cut = 'before' | 'within' | 'after';

function destroy(sockets: Set<Socket>): void {
  for (const socket of sockets) socket.destroy();
}

/**
 * A proxy in front of a server, whose connections a test can break.
 * @param cut asked for what a client sends; the connection is broken before, within or after it
 */
export async function startTcpProxy(
  targetUrl: string,
  cut: (sent: Buffer) => Cut | undefined = () => undefined,
): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  let accepting = true;
  const proxy = createServer((client) => {
    if (!accepting) {
      client.destroy();
      return;
    }
    const server = connect(Number(target.port || 5432), target.hostname);
    clients.add(client);
    servers.add(server);
    client.on('close', () => clients.delete(client));
    server.on('close', () => {
      servers.delete(server);
      client.destroy();
    });
    client.on('error', () => undefined);
    server.on('error', () => client.destroy());
    client.on('data', (chunk: Buffer) => {
      const where = cut(chunk);
      const length = where === 'before' ? 0 : where === 'within' ? chunk.length >> 1 : chunk.length;
      if (length > 0) server.write(chunk.subarray(0, length));
      if (where === undefined) return;
      client.destroy();
      // What has arrived is worked on before the server notices that nobody listens.
      server.end();
    });
    client.on('end', () => server.end());
    server.on('data', (chunk) => {
      if (!client.destroyed) client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    connectionString: url.href,
    cutClients: () => destroy(clients),
    shut() {
      accepting = false;
      destroy(clients);
      destroy(servers);
    },
    open() {
      accepting = true;
    },
    async close() {
      destroy(clients);
      destroy(servers);
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
