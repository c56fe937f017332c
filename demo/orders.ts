import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Api } from './api.ts';
import type { RunningVendor } from './run-vendors.ts';
import { shelf } from './shelf.ts';
import type { Line, Told } from './vendors/index.ts';

/** How many orders came from where, and what else there is to tell. */
export type OrderCounts = {
  readonly byPlace: Map<string, number>;
  /** Buyers who wanted what was not there any more. */
  turnedAway: number;
  /** Orders that were told of a second time, as vendors do. */
  sentTwice: number;
};

export type OrderStream = {
  readonly counts: OrderCounts;
  /** No order begins any more; resolves when those under way have ended. */
  stop(): Promise<void>;
};

const tickMs = 50;
/** What tells of an order is sent again until it is taken. */
const mostTries = 8;
const betweenTriesMs = 500;
/** At the web shop there is a moment between the order and the payment. */
const longestPaymentMs = 1_500;

/** Lets buyers order at the vendors, at the till and at the web shop, at a steady rate. */
export function startOrders(
  api: Api,
  vendors: readonly RunningVendor[],
  perSecond: number,
): OrderStream {
  const counts: OrderCounts = { byPlace: new Map(), turnedAway: 0, sentTwice: 0 };
  const places: readonly (readonly [string, () => Promise<boolean>])[] = [
    ...vendors.flatMap((vendor) => {
      const { kind, order } = vendor;
      if (order === undefined) return [];
      return [[kind, () => orderAtVendor(api, { ...vendor, order }, counts)] as const];
    }),
    ['till', () => sellAtTill(api)],
    ['web shop', () => orderAtWebShop(api)],
  ];
  const open = new Set<Promise<void>>();
  const startedAt = performance.now();
  let begun = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    for (; begun < due; begun += 1) {
      // In turn, so that a short run has orders from everywhere.
      const next = places[begun % places.length];
      if (next === undefined) return;
      const [place, order] = next;
      counts.byPlace.set(place, (counts.byPlace.get(place) ?? 0) + 1);
      const one = order()
        .then((isServed) => void (counts.turnedAway += isServed ? 0 : 1))
        // The service is ending, or is away: the buyer goes elsewhere.
        .catch(() => void (counts.turnedAway += 1))
        .finally(() => open.delete(one));
      open.add(one);
    }
  }, tickMs);
  return {
    counts,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

/** A buyer orders what the vendor shows, and we are told. */
async function orderAtVendor(
  api: Api,
  vendor: RunningVendor & Required<Pick<RunningVendor, 'order'>>,
  counts: OrderCounts,
): Promise<boolean> {
  const inStock = shelf.filter(({ sku }) => (vendor.shown(sku) ?? 0) > 0);
  if (inStock.length === 0) return false;
  const { sku } = pick(inStock);
  const line = { sku, quantity: Math.min(units(), vendor.shown(sku) ?? 0) };
  const tell = messageOf(api, vendor, line, vendor.order(line));
  await sendUntilTaken(tell);
  if (Math.random() < 0.1) {
    counts.sentTwice += 1;
    await sendUntilTaken(tell);
  }
  return true;
}

/** Tells of an order, the same each time, and says with which status that was answered. */
function messageOf(
  api: Api,
  { kind, storeId, webhookUrl }: RunningVendor,
  { sku, quantity }: Line,
  told: Told,
): () => Promise<number> {
  if (told.kind === 'webhook') {
    const { headers, body } = told;
    return async () => {
      const request = { method: 'POST', headers, body: new Uint8Array(body) };
      const response = await fetch(webhookUrl, request);
      await response.arrayBuffer();
      return response.status;
    };
  }
  const data = { storeId, sku, delta: -quantity, reason: 'sale', sourceChannel: kind };
  const id = randomUUID();
  const time = new Date().toISOString();
  const event = { id, source: `demo/${kind}`, type: 'inventory.adjusted', time, data };
  return async () => (await api.call('POST', '/api/events', event)).status;
}

async function sendUntilTaken(send: () => Promise<number>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const status = await send();
    if (status < 300) return;
    if (attempt === mostTries) throw new Error(`an order was answered ${status}`);
    await setTimeout(betweenTriesMs);
  }
}

/** Sold over the counter: it is gone. */
async function sellAtTill(api: Api): Promise<boolean> {
  const { sku, quantity } = anyLine();
  const path = `/api/inventory/stores/shop/inventory/${sku}/adjust`;
  const change = { delta: -quantity, reason: 'sale', sourceChannel: 'till' };
  return (await api.call('POST', path, change)).status === 200;
}

/** Held while the buyer pays; one in ten does not. */
async function orderAtWebShop(api: Api): Promise<boolean> {
  const body = {
    orderId: `web-${Date.now()}-${Math.floor(Math.random() * 1e6)}`,
    lines: [{ storeId: 'warehouse', ...anyLine() }],
    ttlSeconds: 60,
  };
  const held = await api.call<{ reservationId: string }>('POST', '/api/reservations', body);
  if (held.status !== 201) return false;
  await setTimeout(Math.random() * longestPaymentMs);
  const end = Math.random() < 0.1 ? 'release' : 'commit';
  await api.need('POST', `/api/reservations/${held.body.reservationId}/${end}`);
  return true;
}

function anyLine(): Line {
  return { sku: pick(shelf).sku, quantity: units() };
}

function units(): number {
  return Math.random() < 0.8 ? 1 : 2;
}

function pick<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}
