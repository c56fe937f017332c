import { createServer, type IncomingMessage } from 'node:http';
import { percentile } from './measure/statistics.ts';

// The other end of webhook channels, as a process of its own: takes everything at once, and knows
// how old each change was when it came. The same machine has one clock, so the lag is exact.

type Change = { sku: string; storeId: string; version: number; recordedAt: string };

type ChannelState = {
  calls: number;
  changes: number;
  lags: number[];
  /** The newest version that came, by store and SKU. */
  readonly versions: Map<string, number>;
  /** How often a version came after a newer one. */
  wentBack: number;
};

/** What the receiver knows of one channel. Times in ms; `at` since 1970. */
export type ChannelReport = {
  readonly calls: number;
  readonly changes: number;
  readonly wentBack: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** Asks how many listings of a channel have reached a version. */
export type Reached = { readonly listings: number; readonly lastAt: number };

const channels = new Map<string, ChannelState>();
/** When each channel's last change came that was new to it. */
const lastAt = new Map<string, number>();

function stateOf(channel: string): ChannelState {
  const fresh: ChannelState = {
    calls: 0,
    changes: 0,
    lags: [],
    versions: new Map(),
    wentBack: 0,
  };
  const state = channels.get(channel) ?? fresh;
  channels.set(channel, state);
  return state;
}

function take(channel: string, changes: readonly Change[]): void {
  const state = stateOf(channel);
  const now = Date.now();
  state.calls += 1;
  for (const { sku, storeId, version, recordedAt } of changes) {
    const id = `${storeId} ${sku}`;
    const known = state.versions.get(id) ?? 0;
    state.changes += 1;
    state.lags.push(now - Date.parse(recordedAt));
    if (version < known) state.wentBack += 1;
    if (version <= known) continue;
    state.versions.set(id, version);
    lastAt.set(channel, now);
  }
}

function report(): Record<string, ChannelReport> {
  const entries = [...channels].map(([channel, { calls, changes, lags, wentBack }]) => {
    const times = {
      p50Ms: percentile(lags, 0.5),
      p99Ms: percentile(lags, 0.99),
      maxMs: percentile(lags, 1),
    };
    return [channel, { calls, changes, wentBack, ...times }] as const;
  });
  return Object.fromEntries(entries);
}

function reached(channel: string, version: number): Reached {
  let listings = 0;
  for (const known of stateOf(channel).versions.values()) if (known >= version) listings += 1;
  return { listings, lastAt: lastAt.get(channel) ?? 0 };
}

function reset(): void {
  for (const state of channels.values()) {
    Object.assign(state, { calls: 0, changes: 0, lags: [], wentBack: 0 });
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** POST /hook/{channel}, GET /report, GET /reached/{channel}/{version}, POST /reset. */
async function answer(request: IncomingMessage): Promise<unknown> {
  const [, what, channel = '', version] = (request.url ?? '').split('/');
  if (what === 'hook') {
    const body = JSON.parse(await readText(request)) as { data: { changes: Change[] } };
    take(channel, body.data.changes);
    return undefined;
  }
  if (what === 'reached') return reached(channel, Number(version));
  if (what === 'reset') return reset();
  return report();
}

const server = createServer((request, response) => {
  answer(request)
    .then((body) => {
      response.writeHead(body === undefined ? 204 : 200);
      response.end(body === undefined ? undefined : JSON.stringify(body));
    })
    .catch(() => response.writeHead(400).end());
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT']), '127.0.0.1');
