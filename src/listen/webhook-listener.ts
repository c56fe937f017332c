import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
// The sender's own check, past the module's face: a receiver needs nothing else of the channels.
import { verifyWebhook } from '../channels/webhook/signature.ts';
import { UsageError, type Refusal } from '../errors.ts';
import { readMessage, type ReceivedChange, type ReceivedMessage } from './message.ts';

export type ListenerOptions = {
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  /** `whsec_…`, as the channel has it. */
  readonly secret: string;
  /** Called for each change that is news: a newer version, or in `every` mode each entry. */
  readonly onChange: (change: ReceivedChange, message: ReceivedMessage) => void;
  /** Called for each message that was not accepted; the code says why. */
  readonly onRejected: (refusal: Refusal) => void;
  /** Answer 500 to every n-th request, to see deliveries being tried again. */
  readonly failEvery?: number;
};

export type WebhookListener = {
  /** Where to send webhooks to. */
  readonly url: string;
  /** The newest change of each stock level, by `levelKey`. */
  readonly levels: ReadonlyMap<string, ReceivedChange>;
  /** Messages accepted so far; one that came twice counts once. */
  readonly received: number;
  close(): Promise<void>;
};

type Outcome = { readonly status: number; readonly refusal?: Refusal };

const bodyLimitBytes = 8 * 1024 * 1024;
/** Retries come within hours; ids older than this many messages are forgotten. */
const idsRemembered = 100_000;

/** The key of `levels`. Neither part can hold a tab: both are free of control characters. */
export function levelKey(storeId: string, sku: string): string {
  return `${storeId}\t${sku}`;
}

/**
 * Starts a receiver of our webhooks: checks the signature, takes each message once, and keeps the
 * newest version of each level. Answers 204; 401 to a signature that does not fit.
 * Throws a UsageError when the secret or the address cannot be used.
 */
export async function startWebhookListener(options: ListenerOptions): Promise<WebhookListener> {
  // A secret that cannot be read would otherwise show only with the first message.
  verifyWebhook(options.secret, { id: 'x', timestamp: now(), signature: 'x', body: '' });
  const inbox = createInbox(options.onChange);
  const isToFail = everyNth(options.failEvery);
  const server = createServer((request, response) => {
    void answer(request, response, { ...options, inbox, isToFail });
  });
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new UsageError(`cannot listen on ${options.host}:${options.port}`, { cause });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/`,
    levels: inbox.levels,
    get received() {
      return inbox.accepted();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function now(): string {
  return String(Math.floor(Date.now() / 1000));
}

type Inbox = {
  readonly levels: ReadonlyMap<string, ReceivedChange>;
  readonly accepted: () => number;
  readonly take: (webhookId: string, body: Buffer) => Outcome;
};

function createInbox(onChange: ListenerOptions['onChange']): Inbox {
  const levels = new Map<string, ReceivedChange>();
  const ids = new Set<string>();
  let accepted = 0;

  function take(webhookId: string, body: Buffer): Outcome {
    if (ids.has(webhookId)) return { status: 204 };
    const message = readMessage(body);
    if (message === undefined) return rejected(400, 'BODY_INVALID', 'not the documented form');
    const about = { webhookId, channelId: message.channelId, receivedAt: new Date() };
    for (const change of message.changes) {
      const key = levelKey(change.storeId, change.sku);
      const isNewer = change.version > (levels.get(key)?.version ?? -1);
      // Told before it is kept: when telling fails, the retry must find it still to be news.
      if (isNewer || change.entryId !== undefined) onChange(change, about);
      if (isNewer) levels.set(key, change);
    }
    accepted += 1;
    ids.add(webhookId);
    const [oldest] = ids;
    if (ids.size > idsRemembered && oldest !== undefined) ids.delete(oldest);
    return { status: 204 };
  }

  return { levels, accepted: () => accepted, take };
}

type Context = ListenerOptions & { readonly inbox: Inbox; readonly isToFail: () => boolean };

function everyNth(n: number | undefined): () => boolean {
  let count = 0;
  return () => n !== undefined && n > 0 && ++count % n === 0;
}

function rejected(status: number, condition: string, detail: string): Outcome {
  return { status, refusal: { code: `WEBHOOK.${condition}`, detail } };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context,
): Promise<void> {
  let outcome: Outcome;
  try {
    outcome = await receive(request, context);
  } catch (error) {
    outcome = rejected(500, 'FAILED', error instanceof Error ? error.message : String(error));
  }
  if (outcome.refusal !== undefined) context.onRejected(outcome.refusal);
  if (outcome.status === 405) response.setHeader('allow', 'POST');
  // What is left of a body that was too large is not read: this connection is done.
  if (outcome.status === 413) response.setHeader('connection', 'close');
  response.writeHead(outcome.status).end();
}

async function receive(
  request: IncomingMessage,
  { secret, failEvery, inbox, isToFail }: Context,
): Promise<Outcome> {
  if (request.method !== 'POST') return rejected(405, 'METHOD_REFUSED', 'webhooks are POSTs');
  const body = await bodyOf(request);
  if (body === undefined) return rejected(413, 'BODY_TOO_LARGE', 'more than 8 MiB');
  const id = headerOf(request, 'webhook-id');
  const refusal = verifyWebhook(secret, {
    id,
    timestamp: headerOf(request, 'webhook-timestamp'),
    signature: headerOf(request, 'webhook-signature'),
    body,
  });
  if (refusal !== undefined || id === undefined) {
    return { status: 401, ...(refusal === undefined ? {} : { refusal }) };
  }
  if (isToFail()) return rejected(500, 'FAILED_ON_PURPOSE', `one in ${failEvery} is made to fail`);
  return inbox.take(id, body);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(' ') : value;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const part: Buffer = chunk;
    size += part.length;
    if (size > bodyLimitBytes) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}
