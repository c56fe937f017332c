import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { startSeller, type Seller } from '../../emulators/square/seller.ts';
import type { EmulatedOrder } from '../../emulators/square/state.ts';
import {
  forged,
  signedCountWebhook,
  signedOrderWebhook,
  type SignedWebhook,
} from '../../emulators/square/webhooks.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let inspector: Pool;
let service: Service;
let seller: Seller;

const signatureKey = 'of-the-subscription';
const notificationUrl = 'https://us.example/api/webhooks/till';
let failing = false;
let failureStatus = 503;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  seller = await startSeller({
    seed: { skus: { mug: 100, lamp: 100 } },
    faults: new FaultPlan([
      {
        route: '/v2/orders/',
        get share() {
          return failing ? 1 : 0;
        },
        get fault() {
          return { kind: 'status' as const, status: failureStatus };
        },
      },
    ]),
  });
  service = await startService({
    DATABASE_URL: database.connectionString,
    ENCRYPTION_KEY: '33'.repeat(32),
  });
  await api('PUT', '/api/stores/main', {});
  for (const sku of ['mug', 'lamp']) {
    await api('PUT', `/api/inventory/stores/main/inventory/${sku}`, { onHand: 100 });
  }
  await putChannel(true);
  const listings = ['mug', 'lamp'].map((sku) => {
    return { storeId: 'main', sku, externalIds: seller.idsOf(sku) };
  });
  await api('POST', '/api/channels/till/listings', { listings });
});

afterAll(async () => {
  await service?.stop();
  await seller?.server.stop();
  await inspector?.end();
  await database?.drop();
});

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await service.call(method, path, body);
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok)
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const putChannel = (enabled: boolean) =>
  api('PUT', '/api/channels/till', {
    kind: 'square',
    config: { ...seller.config, notificationUrl },
    credentials: { ...seller.credentials, webhookSignatureKey: signatureKey },
    enabled,
  });

const levelOf = (sku: string) => api('GET', `/api/inventory/stores/main/inventory/${sku}`);

/** The seller changes an order, and Square tells us so as often as it likes. */
function change(id: string, revision: number, more: Partial<EmulatedOrder>): EmulatedOrder {
  const at = Date.parse('2026-11-21T10:00:00Z') + revision * 1_000;
  const order: EmulatedOrder = {
    id,
    location_id: seller.idsOf('mug').locationId,
    state: 'OPEN',
    version: revision,
    updated_at: new Date(at).toISOString(),
    line_items: [],
    ...more,
  };
  seller.state.orders[id] = order;
  return order;
}

const line = (sku: string, quantity: number) => {
  const { catalogObjectId } = seller.idsOf(sku);
  return { uid: sku, catalog_object_id: catalogObjectId, quantity: String(quantity) };
};

async function send(order: EmulatedOrder, isForged = false): Promise<number> {
  const webhook = signedOrderWebhook(order, { signatureKey, notificationUrl });
  return await post(isForged ? forged(webhook, notificationUrl) : webhook);
}

async function post({ headers, body }: SignedWebhook): Promise<number> {
  const response = await fetch(`${service.url}/api/webhooks/till`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  });
  await response.arrayBuffer();
  return response.status;
}

async function worked(): Promise<void> {
  await waitFor(
    async () => {
      const { rowCount } = await inspector.query(
        "select from inbox_webhook where status = 'waiting'",
      );
      return rowCount === 0;
    },
    { what: 'the inbox to be worked' },
  );
}

async function triedInVain(count = 1): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await inspector.query<{ error_code: string }>(
        "select error_code from inbox_webhook where status = 'waiting'",
      );
      const codes = rows.map((row) => row.error_code);
      return codes.length === count && codes.every((code) => code === 'ORDER.NOT_READ');
    },
    { what: 'a try that failed' },
  );
}

test('an order that a webhook only names is read, and counts as it is by now', async () => {
  const begun = change('O1', 1, { line_items: [line('mug', 3), line('lamp', 1)] });
  expect(await send(begun)).toBe(200);
  await worked();
  expect(await levelOf('mug')).toMatchObject({ onHand: 100, openOrders: 3, available: 97 });
  const paid = change('O1', 2, { state: 'COMPLETED', line_items: [line('mug', 2)] });
  // Each twice, the older one last: what is read is the newest all the same.
  for (const told of [paid, paid, begun]) expect(await send(told)).toBe(200);
  expect(await send(paid, true)).toBe(401);
  await worked();
  expect(await levelOf('mug')).toMatchObject({ onHand: 98, openOrders: 0, available: 98 });
  expect(await levelOf('lamp')).toMatchObject({ onHand: 100, openOrders: 0, available: 100 });
  expect(await send(change('O1', 3, { state: 'CANCELED' }))).toBe(200);
  await worked();
  expect(await levelOf('mug')).toMatchObject({ onHand: 100, openOrders: 0, available: 100 });
  expect(seller.state.invalid).toEqual([]);
  await expectCleanAudit(inspector);
});

test('while the channel does not answer the webhook waits, and is worked later', async () => {
  failing = true;
  const order = change('O2', 1, { state: 'COMPLETED', line_items: [line('lamp', 5)] });
  expect(await send(order)).toBe(200);
  await triedInVain();
  expect(await levelOf('lamp')).toMatchObject({ onHand: 100 });
  const metrics = await (await service.call('GET', '/metrics')).text();
  expect(metrics).toMatch(/^onhand_inbox_poison 0$/m);
  failing = false;
  await worked();
  expect(await levelOf('lamp')).toMatchObject({ onHand: 95, openOrders: 0, available: 95 });
  await expectCleanAudit(inspector);
});

test('an order that the channel does not have changes nothing', async () => {
  const order = change('O3', 1, { line_items: [line('lamp', 5)] });
  delete seller.state.orders['O3'];
  expect(await send(order)).toBe(200);
  await worked();
  const { rows } = await inspector.query('select status from inbox_webhook order by received_at');
  expect(rows.at(-1)).toEqual({ status: 'ignored' });
  expect(await levelOf('lamp')).toMatchObject({ onHand: 95, openOrders: 0 });
});

type Waiting = { readonly status: string; readonly attempts: number; readonly waitMs: number };

/** Webhooks that the channel said nothing about so far, as though tried so often, with one due. */
async function afterTries(attempts: number, unread: number): Promise<void> {
  const { rows } = await inspector.query<{ webhook_id: string }>(
    `update inbox_webhook set attempts = $1, unread = $2, due_at = now() + interval '1 minute'
     where status = 'waiting' returning webhook_id`,
    [attempts, unread],
  );
  await inspector.query('update inbox_webhook set due_at = now() where webhook_id = $1', [
    rows[0]?.webhook_id,
  ]);
}

/** Waits until one of them was tried again, and none is to be tried soon. */
async function oneTriedAfter(attempts: number): Promise<readonly Waiting[]> {
  let found: readonly Waiting[] = [];
  await waitFor(
    async () => {
      const { rows } = await inspector.query<Waiting>(
        `select status, attempts, 1000 * extract(epoch from due_at - now())::float8 as "waitMs"
         from inbox_webhook where status in ('waiting', 'poison') order by attempts desc`,
      );
      found = rows;
      // Taken it is due again in half a minute; then it waits for longer, or for a person.
      const isOver = ({ status, waitMs }: Waiting) => status === 'poison' || waitMs > 120_000;
      return rows[0]?.attempts === attempts + 1 && rows.every(isOver);
    },
    { what: 'another try that failed' },
  );
  return found;
}

test('an outage of the channel makes no poison, and its webhooks wait for each other', async () => {
  failing = true;
  for (const id of ['A1', 'A2']) {
    const order = change(id, 1, { state: 'COMPLETED', line_items: [line('lamp', 1)] });
    expect(await send(order)).toBe(200);
  }
  await triedInVain(2);
  await afterTries(20, 20);
  const [tried, other] = await oneTriedAfter(20);
  expect(tried).toMatchObject({ status: 'waiting', attempts: 21 });
  // The other has not been tried: what one of them found out both know.
  expect(other).toMatchObject({ status: 'waiting', attempts: 20 });
  failing = false;
  await inspector.query("update inbox_webhook set due_at = now() where status = 'waiting'");
  await worked();
  expect(await levelOf('lamp')).toMatchObject({ onHand: 93, available: 93 });
  await expectCleanAudit(inspector);
});

test.each([
  [503, 300, 299],
  [400, 27, 20],
])('what is answered with %i is poison in the end', async (status, attempts, unread) => {
  failing = true;
  failureStatus = status;
  const id = `P${status}`;
  const order = change(id, 1, { state: 'COMPLETED', line_items: [line('lamp', 1)] });
  expect(await send(order)).toBe(200);
  await triedInVain();
  await afterTries(attempts, unread);
  expect((await oneTriedAfter(attempts))[0]).toMatchObject({ status: 'poison' });
  failing = false;
  failureStatus = 503;
  const { items } = (await api('GET', '/api/inbox?status=poison')) as {
    items: { webhookId: string; errorCode: string }[];
  };
  expect(items).toMatchObject([{ errorCode: 'ORDER.NOT_READ' }]);
  await api('POST', `/api/inbox/till/${items[0]?.webhookId}/replay`);
  await worked();
});

test('a count at the till changes nothing here, and is nobody’s drift', async () => {
  const before = await levelOf('mug');
  const count = { ...seller.idsOf('mug'), quantity: '3', calculatedAt: new Date() };
  expect(await post(signedCountWebhook(count, { signatureKey, notificationUrl }))).toBe(200);
  await worked();
  const { rows } = await inspector.query('select status from inbox_webhook order by received_at');
  expect(rows.at(-1)).toEqual({ status: 'ignored' });
  expect(await levelOf('mug')).toEqual(before);
  expect((await inspector.query('select from drift')).rowCount).toBe(0);
});

test.each(['', '?merchant=default'])(
  'without a set URL the one that is called counts%s',
  async (query) => {
    await api('PUT', '/api/channels/direct', {
      kind: 'square',
      config: seller.config,
      credentials: { ...seller.credentials, webhookSignatureKey: signatureKey },
    });
    const url = `${service.url}/api/webhooks/direct${query}`;
    const order = change('D1', 1, { state: 'DRAFT' });
    const call = async (told: string): Promise<number> => {
      const { headers, body } = signedOrderWebhook(order, { signatureKey, notificationUrl: told });
      const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await call(url)).toBe(200);
    expect(await call(`${url}&more`)).toBe(401);
  },
);

test('what came in before its channel was switched off counts all the same', async () => {
  const { onHand } = await levelOf('mug');
  failing = true;
  const order = change('O4', 1, { state: 'COMPLETED', line_items: [line('mug', 7)] });
  expect(await send(order)).toBe(200);
  await triedInVain();
  await putChannel(false);
  // Nothing more is taken in.
  expect(await send(order)).toBe(404);
  failing = false;
  await worked();
  expect(await levelOf('mug')).toMatchObject({ onHand: Number(onHand) - 7 });
  await expectCleanAudit(inspector);
});
