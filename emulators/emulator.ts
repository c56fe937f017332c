import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FaultPlan, type Fault } from './fault-plan.ts';

/** A request as a vendor's server sees it. */
export type EmulatedRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type EmulatedAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes as they are; anything else as JSON. */
  readonly body?: unknown;
};

/** One line of the request journal. */
export type JournalEntry = {
  readonly request: EmulatedRequest;
  /** What was answered, or would have been; undefined when nothing was done. */
  readonly answer: EmulatedAnswer | undefined;
  readonly fault: Fault | undefined;
  readonly at: Date;
};

export type EmulatorOptions<State> = {
  readonly initial: State;
  /** Does the work. What it changes in the state stays. */
  readonly handle: (request: EmulatedRequest, state: State) => EmulatedAnswer;
  /** Where the state is kept over restarts of the process; absent: in memory. */
  readonly stateFile?: string;
  readonly faults?: FaultPlan;
  /** Default: any free one, and the same again after a restart. */
  readonly port?: number;
};

/**
 * A vendor's server on this machine: real TCP, state that survives restarts, a journal of the
 * requests, and faults by plan. Requests are worked one after the other.
 */
export class Emulator<State> {
  readonly state: State;
  readonly journal: JournalEntry[] = [];
  faults: FaultPlan;
  readonly #options: EmulatorOptions<State>;
  #server: Server | undefined;
  #port: number;

  private constructor(options: EmulatorOptions<State>) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.faults = options.faults ?? new FaultPlan();
    const { stateFile, initial } = options;
    this.state =
      stateFile !== undefined && existsSync(stateFile)
        ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State)
        : structuredClone(initial);
  }

  static async start<State>(options: EmulatorOptions<State>): Promise<Emulator<State>> {
    const emulator = new Emulator(options);
    await emulator.restart();
    return emulator;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Ends all connections at once: what is under way is lost. The state stays. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /** Starts it, on the same port as before. */
  async restart(): Promise<void> {
    await this.stop();
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    const fault = this.faults.next(request.method, request.path);
    if (fault?.kind === 'latency') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const answer = this.#work(request, fault);
    this.journal.push({ request, answer, fault, at: new Date() });
    if (answer === undefined || fault?.kind === 'reset_after') {
      incoming.socket.resetAndDestroy();
      return;
    }
    const isPlain = typeof answer.body === 'string' || answer.body instanceof Uint8Array;
    const body = isPlain ? answer.body : JSON.stringify(answer.body ?? {});
    response.writeHead(answer.status, {
      'content-type': isPlain ? 'text/plain' : 'application/json',
      'content-length': Buffer.byteLength(body),
      ...answer.headers,
    });
    if (fault?.kind !== 'truncated') {
      response.end(body);
      return;
    }
    response.write(body.slice(0, Math.ceil(body.length / 2)), () => {
      incoming.socket.resetAndDestroy();
    });
  }

  #work(request: EmulatedRequest, fault: Fault | undefined): EmulatedAnswer | undefined {
    if (fault?.kind === 'reset_before') return undefined;
    if (fault?.kind === 'status') return fault;
    const answer = this.#options.handle(request, this.state);
    this.#save();
    return answer;
  }

  #save(): void {
    const { stateFile } = this.#options;
    if (stateFile === undefined) return;
    writeFileSync(`${stateFile}.new`, JSON.stringify(this.state));
    renameSync(`${stateFile}.new`, stateFile);
  }
}

async function read(incoming: IncomingMessage): Promise<EmulatedRequest> {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}
