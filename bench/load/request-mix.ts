import { randomUUID } from 'node:crypto';
import type { HttpLoad, SkuChoice } from './http-load.ts';

/** A request without host and authorisation. */
export type MadeRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

const levels = '/api/inventory/stores/main/inventory';

/** Makes the requests that the scripts for wrk make, for generators that are written in Node. */
export function createRequestMaker(load: HttpLoad): () => MadeRequest {
  const pick = createPicker(load.skus);
  const sku = (): string => `SKU-${pick()}`;
  const several = <T>(make: () => T): T[] => Array.from({ length: load.lines ?? 1 }, make);
  switch (load.request) {
    case 'adjust':
      return () => post(`${levels}/${sku()}/adjust`, { delta: -1, reason: 'sale' }, randomUUID());
    case 'reserve':
      return () => {
        const lines = several(() => ({ storeId: 'main', sku: sku(), quantity: 1 }));
        const orderId = randomUUID();
        return post('/api/reservations', { orderId, lines }, orderId);
      };
    case 'mutations':
      return () => {
        const sale = { type: 'adjust', storeId: 'main', delta: -1, reason: 'sale' };
        const mutations = several(() => ({ id: randomUUID(), ...sale, sku: sku() }));
        return post('/api/mutations', { mutations }, randomUUID());
      };
    default:
      return () => ({ method: 'GET', path: `${levels}/${sku()}`, headers: {} });
  }
}

function post(path: string, body: unknown, key: string): MadeRequest {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return { method: 'POST', path, headers, body: JSON.stringify(body) };
}

/** The number of the next SKU. */
export function createPicker({ kind, count, stride = 1 }: SkuChoice): () => number {
  if (kind === 'one') return () => 1;
  if (kind === 'uniform') return () => Math.floor(Math.random() * count) * stride + 1;
  const cumulative: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= count; rank += 1) cumulative.push((total += 1 / rank ** 1.1));
  return () => {
    const point = Math.random() * total;
    return cumulative.findIndex((limit) => point <= limit) + 1;
  };
}
