import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { signedOrder, type OrderLine } from './signed-order.ts';

let database: TestDatabase;
let inspector: Pool;
let services: Service[] = [];
let secret = '';
const env = (): Record<string, string> => ({
  DATABASE_URL: database.connectionString,
  ENCRYPTION_KEY: '33'.repeat(32),
});

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  services = await Promise.all([startService(env()), startService(env())]);
  await api('PUT', '/api/stores/main', {});
  const made = await api('PUT', '/api/channels/shop', {
    kind: 'webhook',
    config: { url: 'http://127.0.0.1:9/nobody' },
    enabled: true,
  });
  secret = String(made['credentials'] && (made['credentials'] as { secret: string }).secret);
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await inspector.end();
  await database.drop();
});

let turn = 0;
const anyService = (): Service => {
  const service = services[turn++ % services.length];
  if (service === undefined) throw new Error('no service runs');
  return service;
};

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await anyService().call(method, path, body);
  return (await response.json()) as Record<string, unknown>;
}

type Sent = Parameters<typeof signedOrder>[1];

async function send(sent: Sent, key = secret): Promise<number> {
  const { body, headers } = signedOrder(key, sent);
  const url = `${anyService().url}/api/webhooks/shop`;
  const response = await fetch(url, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
}

const line = (sku: string, quantity: number): OrderLine => ({ storeId: 'main', sku, quantity });

function order(id: string, orderId: string, revision: number, lines: OrderLine[]): Sent {
  return { id, type: 'order.confirmed', orderId, revision, lines };
}

const setLevel = (sku: string, onHand: number) =>
  api('PUT', `/api/inventory/stores/main/inventory/${sku}`, { onHand });
const levelOf = (sku: string) => api('GET', `/api/inventory/stores/main/inventory/${sku}`);

async function worked(): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await inspector.query<{ waiting: number }>(
        "select count(*)::integer as waiting from inbox_webhook where status = 'waiting'",
      );
      return rows[0]?.waiting === 0;
    },
    { what: 'the inbox to be worked' },
  );
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const isForged = (i: number): boolean => i % 10 === 3;

test('1,000 webhooks, twice each, shuffled, some forged: each real order counts once', async () => {
  const skus = Array.from({ length: 10 }, (_, i) => `mug-${i}`);
  for (const sku of skus) await setLevel(sku, 1_000);
  const orders = Array.from({ length: 1_000 }, (_, i) =>
    order(`evt-${i}`, `order-${i}`, 1, [
      line(skus[i % 7] ?? '', 1),
      line(skus[7 + (i % 3)] ?? '', 2),
    ]),
  );
  const sending = shuffled([...orders.keys(), ...orders.keys()], 7);
  const wrong = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  const answers = new Map<string, number>();
  for (let from = 0; from < sending.length; from += 40) {
    await Promise.all(
      sending.slice(from, from + 40).map(async (i) => {
        const sent = orders[i];
        if (sent === undefined) return;
        const status = await send(sent, isForged(i) ? wrong : secret);
        const key = `${isForged(i) ? 'forged' : 'real'} ${status}`;
        answers.set(key, (answers.get(key) ?? 0) + 1);
      }),
    );
  }
  expect(Object.fromEntries(answers)).toEqual({ 'real 200': 1_800, 'forged 401': 200 });
  await worked();
  const sold = new Map(skus.map((sku) => [sku, 0]));
  for (const [i, { lines }] of orders.entries()) {
    if (isForged(i)) continue;
    for (const { sku, quantity } of lines) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  }
  for (const sku of skus) {
    const left = 1_000 - (sold.get(sku) ?? 0);
    expect(await levelOf(sku)).toMatchObject({ onHand: left, openOrders: 0, available: left });
  }
  const { rows } = await inspector.query<{ status: string; count: number }>(
    'select status, count(*)::integer as count from inbox_webhook group by status',
  );
  expect(rows).toEqual([{ status: 'done', count: 900 }]);
  await expectCleanAudit(inspector);
});

test('states that come late or twice undo nothing newer', async () => {
  await setLevel('lamp', 20);
  const states: Sent[] = [
    { ...order('s-1', 'edited', 1, [line('lamp', 5)]), type: 'order.pending' },
    order('s-2', 'edited', 2, [line('lamp', 5)]),
    order('s-3', 'edited', 3, [line('lamp', 3)]),
    order('s-4', 'edited', 4, [line('lamp', 4)]),
  ];
  for (const state of [states[1], states[3], states[0], states[2], states[3]]) {
    if (state === undefined) continue;
    expect(await send(state)).toBe(200);
    await worked();
  }
  expect(await levelOf('lamp')).toMatchObject({ onHand: 16, openOrders: 0, available: 16 });
  await send({ ...order('s-5', 'edited', 5, [line('lamp', 4)]), type: 'order.cancelled' });
  await worked();
  expect(await levelOf('lamp')).toMatchObject({ onHand: 20, openOrders: 0, available: 20 });
  await expectCleanAudit(inspector);
});

test('of two states with one revision a cancellation is the last', async () => {
  await setLevel('clock', 20);
  const made = order('t-1', 'tied', 1, [line('clock', 5)]);
  const states: Sent[] = [
    { ...made, id: 't-0', type: 'order.pending' },
    made,
    { ...made, id: 't-2', type: 'order.cancelled' },
  ];
  for (const orderId of ['forwards', 'backwards']) {
    const told = orderId === 'forwards' ? states : states.toReversed();
    for (const state of told) {
      await send({ ...state, id: `${orderId}-${state.id}`, orderId });
      await worked();
    }
    expect(await levelOf('clock')).toMatchObject({ onHand: 20, openOrders: 0, available: 20 });
  }
  await expectCleanAudit(inspector);
});

test('an order of more than there is counts all the same, and the level is oversold', async () => {
  await setLevel('vase', 2);
  await send(order('o-1', 'much', 1, [line('vase', 5)]));
  await worked();
  expect(await levelOf('vase')).toMatchObject({ onHand: 0, openOrders: 3, available: -3 });
  await send(order('o-2', 'much', 2, [line('vase', 1)]));
  await worked();
  expect(await levelOf('vase')).toMatchObject({ onHand: 1, openOrders: 0, available: 1 });
  await expectCleanAudit(inspector);
});

test('a line of a level that nobody knows is a question, and the others count', async () => {
  await setLevel('rug', 5);
  const lines = [
    line('rug', 1),
    line('no-such-sku', 3),
    { storeId: 'attic', sku: 'rug', quantity: 2 },
  ];
  await send(order('p-1', 'lost', 1, lines));
  await worked();
  expect(await levelOf('rug')).toMatchObject({ onHand: 4, available: 4 });
  expect(await levelOf('no-such-sku')).toMatchObject({ code: 'STOCK.NOT_FOUND' });
  const questions = () => api('GET', '/api/open-questions');
  expect(await questions()).toMatchObject({
    items: [
      { orderId: 'lost', channelSku: 'rug', place: 'attic', quantity: 2 },
      { orderId: 'lost', channelSku: 'no-such-sku', place: 'main', quantity: 3 },
    ],
  });
  await api('PUT', '/api/stores/attic', {});
  await api('PUT', '/api/inventory/stores/attic/inventory/rug', { onHand: 9 });
  await setLevel('no-such-sku', 4);
  await api('POST', '/api/channels/shop/open-questions/retry');
  expect(await api('GET', '/api/inventory/stores/attic/inventory/rug')).toMatchObject({
    onHand: 7,
  });
  expect(await levelOf('no-such-sku')).toMatchObject({ onHand: 1 });
  expect(await questions()).toMatchObject({ items: [] });
  await expectCleanAudit(inspector);
});

test('a killed process loses no webhook', async () => {
  await setLevel('bowl', 500);
  const victim = services[0];
  if (victim === undefined) throw new Error('no service runs');
  const sends = Array.from({ length: 100 }, (_, i) =>
    send(order(`k-${i}`, `k-${i}`, 1, [line('bowl', 1)])),
  );
  const first = await Promise.race(sends);
  expect(first).toBe(200);
  await victim.kill();
  const taken = (await Promise.allSettled(sends)).length;
  expect(taken).toBe(100);
  services[0] = await startService(env());
  // As a vendor does: what was not answered comes again.
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => send(order(`k-${i}`, `k-${i}`, 1, [line('bowl', 1)]))),
  );
  // What the killed process had taken would be due by itself after half a minute.
  await inspector.query(
    `update inbox_webhook set due_at = now() where webhook_id in (
       select webhook_id from inbox_webhook
       where status = 'waiting' and due_at > now() for update skip locked)`,
  );
  await worked();
  expect(await levelOf('bowl')).toMatchObject({ onHand: 400 });
  await expectCleanAudit(inspector);
});
