import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export type ReceivedLevel = {
  readonly available: number;
  readonly onHand: number;
  readonly version: number;
  /** From the change's `recordedAt` to its arrival. */
  readonly lagMs: number;
};

export type Receiver = {
  readonly url: string;
  /** The newest figures taken, by `storeId sku`. */
  readonly levels: ReadonlyMap<string, ReceivedLevel>;
  /** Changes that were older than what had been taken for their level: must stay empty. */
  readonly wentBack: readonly string[];
  /** Signatures that an independent implementation did not accept. */
  readonly unsigned: number;
  readonly calls: number;
  /** Lags of all changes taken, in ms. */
  readonly lags: readonly number[];
  secret: string;
  /** Asked before each call is taken: a status to answer instead, or undefined. */
  fail: () => number | undefined;
  close(): Promise<void>;
};

type Body = {
  data: {
    changes: {
      storeId: string;
      sku: string;
      available: number;
      onHand: number;
      version: number;
      recordedAt: string;
    }[];
  };
};

/** A channel as a merchant would write one: verifies, takes the newest figures, may fail. */
export async function startReceiver(): Promise<Receiver> {
  const levels = new Map<string, ReceivedLevel>();
  const state = { wentBack: [] as string[], unsigned: 0, calls: 0, lags: [] as number[] };
  const take = (body: Body): void => {
    for (const { storeId, sku, available, onHand, version, recordedAt } of body.data.changes) {
      const id = `${storeId} ${sku}`;
      const known = levels.get(id)?.version ?? 0;
      if (version < known) state.wentBack.push(`${id}: ${version} after ${known}`);
      const lagMs = Date.now() - Date.parse(recordedAt);
      state.lags.push(lagMs);
      levels.set(id, { available, onHand, version, lagMs });
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      state.calls += 1;
      const status = receiver.fail();
      if (status !== undefined) {
        response.writeHead(status).end();
        return;
      }
      const text = Buffer.concat(chunks).toString();
      try {
        const headers = request.headers as Record<string, string>;
        take(new Webhook(receiver.secret).verify(text, headers) as Body);
        response.writeHead(204).end();
      } catch {
        state.unsigned += 1;
        response.writeHead(401).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/`,
    levels,
    get wentBack() {
      return state.wentBack;
    },
    get unsigned() {
      return state.unsigned;
    },
    get calls() {
      return state.calls;
    },
    get lags() {
      return state.lags;
    },
    secret: '',
    fail: () => undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** The value that `share` of the others do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
