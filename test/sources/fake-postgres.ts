import { createServer, type AddressInfo, type Socket } from 'node:net';

export type FakePostgres = {
  /** Of a user `reader` with the password `secret`. */
  readonly url: string;
  /** What clients said before they asked anything: `tls?`, the startup, the password. */
  readonly heard: readonly string[];
  /** Resolves when a client that was let in has asked something. */
  readonly asked: Promise<void>;
  /** Resolves when a client has gone. */
  readonly left: Promise<void>;
  close(): Promise<void>;
};

const tlsRequest = 80_877_103;
const terminator = '\u0000';

/**
 * A server that lets everybody in who says a password, and from then on says nothing: it does not
 * even hang up when its client does.
 */
export async function startFakePostgres(): Promise<FakePostgres> {
  const sockets = new Set<Socket>();
  const heard: string[] = [];
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let known = Buffer.alloc(0);
    let isStarted = false;
    socket.on('error', () => undefined);
    socket.on('end', left.resolve);
    socket.on('data', (chunk: Buffer) => {
      known = Buffer.concat([known, chunk]);
      for (;;) {
        // The messages before the password have no kind.
        const start = isStarted ? 1 : 0;
        const length = known.length < start + 4 ? Infinity : start + known.readUInt32BE(start);
        if (known.length < length) return;
        const message = known.subarray(0, length);
        known = known.subarray(length);
        if (isStarted && message[0] !== 0x70) asked.resolve();
        else if (isStarted) {
          heard.push(message.toString('utf8', 5, length - 1));
          // Let in, and ready for a query.
          socket.write(Buffer.from('5200000008000000005a0000000549', 'hex'));
        } else if (message.readUInt32BE(4) === tlsRequest) {
          heard.push('tls?');
          socket.write('N');
        } else {
          isStarted = true;
          heard.push(message.toString('utf8', 8).split(terminator).filter(Boolean).join(' '));
          // The password, please.
          socket.write(Buffer.from('520000000800000003', 'hex'));
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://reader:secret@127.0.0.1:${port}/stock`,
    heard,
    asked: asked.promise,
    left: left.promise,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
