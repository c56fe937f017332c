import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { query, type Lab } from './lab.ts';
import { adminKey, startService, type Server } from './service.ts';

/** A service on a database of its own, with one store and a key as a merchant's program has it. */
export type Shop = {
  readonly name: string;
  readonly folder: string;
  readonly connectionString: string;
  readonly postmasterPid: number;
  readonly service: Server;
  readonly apiKey: string;
  /** A request with the admin key. Rejects unless the answer is a 2xx. */
  call<Body>(method: string, path: string, body?: unknown): Promise<Body>;
  /** Another process of the service on the same database. */
  startAnother(): Promise<Server>;
  close(): Promise<void>;
};

export type ShopOptions = {
  readonly nodeArgs?: readonly string[];
  /** Runs after the migrations, before the service starts. */
  readonly fill?: (connectionString: string) => Promise<void>;
};

/** The stock of every SKU: more than any run can sell. */
export const plenty = 2_000_000_000;

/** Makes a database and starts the service on it. */
export async function openShop(lab: Lab, name: string, options: ShopOptions = {}): Promise<Shop> {
  const connectionString = await lab.createDatabase(name);
  const folder = join(lab.folder, name);
  await mkdir(folder);
  await options.fill?.(connectionString);
  const service = await startService(connectionString, folder, options.nodeArgs);
  const call = callerOf(service.url);
  await call('PUT', '/api/stores/main', { name: 'Main' });
  const { key } = await call<{ key: string }>('POST', '/api/keys', { name: 'bench' });
  const others: Server[] = [];
  return {
    name,
    folder,
    connectionString,
    postmasterPid: lab.postmasterPid,
    service,
    apiKey: key,
    call,
    async startAnother() {
      const other = await startService(connectionString, folder);
      others.push(other);
      return other;
    },
    async close() {
      await Promise.all([service, ...others].map((server) => server.stop()));
      await lab.dropDatabase(name);
    },
  };
}

function callerOf(url: string): Shop['call'] {
  return async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  };
}

const levelsPerRequest = 500;

/**
 * Counts each of SKU-1 … SKU-`count` to `onHand` through the API; with `stride` only one of so many
 * is counted, and the last is as much further.
 * @param round makes the keys of one call differ from those of another
 */
export async function countLevels(
  shop: Shop,
  {
    storeId = 'main',
    count,
    onHand = plenty,
    round = 1,
    stride = 1,
  }: {
    storeId?: string;
    count: number;
    onHand?: number;
    round?: number;
    stride?: number;
  },
): Promise<void> {
  const countFrom = async (first: number): Promise<void> => {
    const size = Math.min(levelsPerRequest, count - first + 1);
    const mutations = Array.from({ length: size }, (_, index) => {
      const sku = `SKU-${(first + index - 1) * stride + 1}`;
      return { id: `${storeId}-${round}-${sku}`, type: 'set', storeId, sku, onHand };
    });
    const { results } = await shop.call<{ results: { status: string }[] }>(
      'POST',
      '/api/mutations',
      { mutations },
    );
    const refused = results.find(({ status }) => status !== 'applied');
    if (refused !== undefined) throw new Error(`a count failed: ${JSON.stringify(refused)}`);
  };
  const step = levelsPerRequest * 4;
  for (let first = 1; first <= count; first += step) {
    const starts = [0, 1, 2, 3].map((number) => first + number * levelsPerRequest);
    await Promise.all(starts.filter((start) => start <= count).map(countFrom));
  }
}

/**
 * Waits until the relay has taken all messages: what it does after a run must not be charged to
 * the other side of the comparison. Returns what is left when the time is over.
 */
export async function settle(shop: Shop, timeoutMs: number): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = await countMessages(shop.connectionString);
    if (left === 0 || performance.now() > deadline) return left;
    await setTimeout(100);
  }
}

async function countMessages(connectionString: string): Promise<number> {
  const rows = await query<{ left: number }>(
    connectionString,
    'select count(*)::integer as left from (select 1 from outbox_message limit 100000) as waiting',
  );
  return rows[0]?.left ?? 0;
}
