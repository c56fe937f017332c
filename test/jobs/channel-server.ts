import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';

export type ReceivedChange = {
  readonly storeId: string;
  readonly sku: string;
  readonly available: number;
  readonly onHand: number;
  readonly version: number;
  readonly recordedAt: string;
  readonly entryId?: string;
  readonly quantity?: string;
  readonly delta?: number;
  readonly reason?: string | null;
};

export type ReceivedMessage = {
  readonly id: string;
  readonly channelId: string;
  readonly changes: readonly ReceivedChange[];
  readonly body: string;
  /** What the server did with it. */
  readonly answer: Answer;
};

/** A status with headers, or something that is no answer. */
export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'hang'
  | 'reset'
  | 'garbage';

const taken: Answer = { status: 204 };

/** A webhook receiver that answers as a test wants, and keeps every message that came. */
export class ChannelServer {
  readonly messages: ReceivedMessage[] = [];
  /** Messages whose signature an independent implementation did not accept. */
  unsigned = 0;
  /** Changes of an older version than the one taken before for their SKU. */
  readonly wentBack: string[] = [];
  readonly figures = new Map<string, ReceivedChange>();
  secret = '';
  answer: (messages: readonly ReceivedMessage[]) => Answer | Promise<Answer> = () => taken;
  /** Messages that are answered with 500 whatever else holds. */
  refuse: (changes: readonly ReceivedChange[]) => boolean = () => false;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => this.#receive(request, response));
  #port = 0;

  static async start(): Promise<ChannelServer> {
    const server = new ChannelServer();
    server.#server.on('connection', (socket) => {
      server.#sockets.add(socket);
      socket.on('close', () => server.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** Messages that were taken. */
  get accepted(): readonly ReceivedMessage[] {
    return this.messages.filter(({ answer }) => isTaken(answer));
  }

  /** Available by SKU, as the channel shows it. */
  get shown(): Record<string, number> {
    return Object.fromEntries([...this.figures].map(([sku, change]) => [sku, change.available]));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void this.#answer(Buffer.concat(chunks).toString(), request, response));
  }

  async #answer(body: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = request.headers as Record<string, string>;
    if (this.secret !== '' && !isSigned(this.secret, body, headers)) this.unsigned += 1;
    const parsed = JSON.parse(body) as {
      data: { channelId: string; changes: ReceivedChange[] };
    };
    const isRefused = this.refuse(parsed.data.changes);
    const answer = isRefused ? { status: 500 } : await this.answer(this.messages);
    const id = headers['webhook-id'] ?? '';
    this.messages.push({ id, body, answer, ...parsed.data });
    if (isTaken(answer)) this.#take(parsed.data.changes);
    this.#respond(answer, request, response);
  }

  #take(changes: readonly ReceivedChange[]): void {
    for (const change of changes) {
      const known = this.figures.get(change.sku)?.version ?? 0;
      if (change.version < known) this.wentBack.push(`${change.sku}: ${change.version} < ${known}`);
      this.figures.set(change.sku, change);
    }
  }

  #respond(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
    if (answer === 'hang') return;
    if (answer === 'reset') request.socket.resetAndDestroy();
    else if (answer === 'garbage') request.socket.end('THIS IS NOT HTTP\r\n\r\n');
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  }
}

function isTaken(answer: Answer): boolean {
  return typeof answer === 'object' && answer.status >= 200 && answer.status < 300;
}

function isSigned(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
