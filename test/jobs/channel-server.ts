import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
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
  /** When it began to arrive. Times are milliseconds since 1970. */
  readonly arrivedMs: number;
  /** When the work was done: not at all, once, or (a message that was doubled on its way) twice. */
  readonly takenMs: readonly number[];
  /** When an answer of success was given; undefined: the caller never got one. */
  readonly acknowledgedMs?: number;
};

/** A status with headers, or something that is no answer. */
export type Answer =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
      /** The work takes so long. */
      readonly latencyMs?: number;
      /** The body of the answer comes in pieces, for so long. */
      readonly slowBodyMs?: number;
      /** The message came twice. */
      readonly isDoubled?: boolean;
      /** The work is done after that of the next message, if one comes soon. */
      readonly isOvertaken?: boolean;
    }
  | 'hang'
  /** Before the work. */
  | 'reset'
  /** After the work: it is done, and the answer is lost. */
  | 'lost-answer'
  | 'garbage';

const taken: Answer = { status: 204 };

/** A webhook receiver that answers as a test wants, and keeps every message that came. */
export class ChannelServer {
  readonly messages: (ReceivedMessage & { takenMs: number[]; acknowledgedMs?: number })[] = [];
  /** Messages whose signature an independent implementation did not accept. */
  unsigned = 0;
  /** Changes of an older version than the one taken before for their SKU. */
  readonly wentBack: string[] = [];
  /** What the channel shows: an older version than it has is ignored. By `storeId sku`. */
  readonly levels = new Map<string, ReceivedChange>();
  readonly figures = new Map<string, ReceivedChange>();
  secret = '';
  answer: (messages: readonly ReceivedMessage[]) => Answer | Promise<Answer> = () => taken;
  /** Messages that are answered with 500 whatever else holds. */
  refuse: (changes: readonly ReceivedChange[]) => boolean = () => false;
  readonly #sockets = new Set<Socket>();
  #overtaken: (() => void)[] = [];
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
    const arrivedMs = nowMs();
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      void this.#answer({ body, arrivedMs }, request, response);
    });
  }

  async #answer(
    { body, arrivedMs }: Pick<ReceivedMessage, 'body' | 'arrivedMs'>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const headers = request.headers as Record<string, string>;
    if (this.secret !== '' && !isSigned(this.secret, body, headers)) this.unsigned += 1;
    const parsed = JSON.parse(body) as {
      data: { channelId: string; changes: ReceivedChange[] };
    };
    const isRefused = this.refuse(parsed.data.changes);
    const answer = isRefused ? { status: 500 } : await this.answer(this.messages);
    const id = headers['webhook-id'] ?? '';
    const message: (typeof this.messages)[number] = {
      id,
      body,
      answer,
      arrivedMs,
      takenMs: [],
      ...parsed.data,
    };
    this.messages.push(message);
    await this.#delay(answer);
    for (let times = timesTaken(answer); times > 0; times -= 1) {
      message.takenMs.push(nowMs());
      this.#take(parsed.data.changes);
    }
    if (isTaken(answer)) response.on('finish', () => (message.acknowledgedMs = nowMs()));
    if (!isOvertaken(answer)) for (const go of this.#overtaken.splice(0)) go();
    await this.#respond(answer, request, response);
  }

  /** Lets the time pass that the work takes. */
  async #delay(answer: Answer): Promise<void> {
    if (typeof answer !== 'object') return;
    if (answer.latencyMs !== undefined) await setTimeout(answer.latencyMs);
    if (answer.isOvertaken !== true) return;
    const next = new Promise<void>((resolve) => this.#overtaken.push(resolve));
    await Promise.race([next, setTimeout(soonMs)]);
  }

  #take(changes: readonly ReceivedChange[]): void {
    for (const change of changes) {
      const known = this.figures.get(change.sku)?.version ?? 0;
      if (change.version < known) this.wentBack.push(`${change.sku}: ${change.version} < ${known}`);
      this.figures.set(change.sku, change);
      const level = `${change.storeId} ${change.sku}`;
      if (change.version >= (this.levels.get(level)?.version ?? 0)) this.levels.set(level, change);
    }
  }

  async #respond(
    answer: Answer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (answer === 'hang') return;
    if (answer === 'reset' || answer === 'lost-answer') request.socket.resetAndDestroy();
    else if (answer === 'garbage') request.socket.end('THIS IS NOT HTTP\r\n\r\n');
    else {
      response.writeHead(answer.status, answer.headers);
      const pieces = answer.slowBodyMs === undefined ? 0 : 10;
      for (let piece = 0; piece < pieces; piece += 1) {
        response.write('.');
        await setTimeout((answer.slowBodyMs ?? 0) / pieces);
      }
      response.end(answer.body);
    }
  }
}

/** How long a message waits to be overtaken. */
const soonMs = 200;

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function isOvertaken(answer: Answer): boolean {
  return typeof answer === 'object' && answer.isOvertaken === true;
}

function timesTaken(answer: Answer): number {
  if (answer === 'lost-answer') return 1;
  if (!isTaken(answer)) return 0;
  return typeof answer === 'object' && answer.isDoubled === true ? 2 : 1;
}

/** Whether the work is done and the caller is told so. */
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
