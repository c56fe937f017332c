import { Socket } from 'node:net';
import { Client } from 'pg';
import {
  AddressRefused,
  isPublicAddress,
  literalAddress,
  lookupPublicAddress,
} from '../../public-address.ts';
import type { SqlServer } from './server.ts';

/** A longer answer is a failure, as it is of the other kinds. */
const mostBytes = 64 * 1024 * 1024;
/** Of a server that does not keep to `statement_timeout`; a read as a whole has no more time. */
const queryTimeoutMs = 30_000;
/** A server has so long to hang up. */
const goodbyeMs = 1_000;

export class AnswerTooLarge extends Error {
  readonly code = 'ANSWER_TOO_LARGE';
}

/** A connection to somebody else's server, which may be silent, or never stop. */
export type Connection = {
  /** Connects, the first time. What comes until it is called again is one answer. */
  begin(): Promise<Client>;
  /** Breaks it: whatever is under way fails. */
  cut(): void;
  /** Hangs up, with or without the server. */
  close(): Promise<void>;
};

export function openConnection(server: SqlServer, allowPrivateAddresses: boolean): Connection {
  const socket = allowPrivateAddresses ? new Socket() : publicSocket();
  const client = new Client({
    ...server,
    // Without it the environment is asked.
    sslnegotiation: 'postgres',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 25_000,
    query_timeout: queryTimeoutMs,
    application_name: 'onhand source',
    stream: () => socket,
  });
  // A connection that breaks between two queries fails the next one.
  client.on('error', () => undefined);
  const { connection } = client;
  const cut = (error?: Error): void => void connection.stream.destroy(error);
  let received = 0;
  const countBytes = (chunk: Buffer): void => {
    received += chunk.length;
    if (received > mostBytes) cut(new AnswerTooLarge());
  };
  socket.on('data', countBytes);
  // From then on they come through TLS.
  connection.on('sslconnect', () => connection.stream.on('data', countBytes));
  let connected: Promise<unknown> | undefined;
  return {
    async begin() {
      received = 0;
      connected ??= client.connect();
      await connected;
      return client;
    },
    cut: () => cut(),
    async close() {
      const timer = setTimeout(cut, goodbyeMs);
      await client.end();
      clearTimeout(timer);
    },
  };
}

/**
 * A socket that connects to public addresses only, checked as it connects. A refusal comes as any
 * failure to connect does: were it thrown from within the driver, its timer would break the socket
 * later, when nobody listens.
 */
function publicSocket(): Socket {
  const socket = new Socket();
  socket.on('error', () => undefined);
  const connect = socket.connect.bind(socket);
  const connectPublic = (port: number, host: string): Socket => {
    const literal = literalAddress(host);
    const isFile = host.startsWith('/');
    if (isFile || (literal !== undefined && !isPublicAddress(literal))) {
      process.nextTick(() => socket.destroy(new AddressRefused()));
      return socket;
    }
    return connect({ port, host, lookup: lookupPublicAddress });
  };
  // The driver calls it with port and host.
  socket.connect = connectPublic as Socket['connect'];
  return socket;
}
