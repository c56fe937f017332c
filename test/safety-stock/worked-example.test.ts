import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startService, type Service } from '../support/service.ts';
import { openInspector } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';

// The worked example of docs/available-to-sell.md, from its own tables, asked of a running service
// and seen at a channel.

const document = readFileSync(new URL('../../docs/available-to-sell.md', import.meta.url), 'utf8');
const example = document.slice(document.indexOf('## A worked example')).split('\n## ')[0] ?? '';
const rows = example
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
const terms = rows
  .filter((cells) => cells.length === 5)
  .map(([, quantity = '', units = '', source = '']) => ({ quantity, value: +units, source }));
const strategies = rows
  .filter((cells) => cells.length === 6)
  .map(([, strategy = '', rule = '', safetyStock = '', available = '']) => ({
    strategy,
    rule: JSON.parse(rule) as object,
    safetyStock: Number(safetyStock),
    available: Number(available),
  }));
const [freeText = ''] = /= \d+ can be sold/.exec(example) ?? [];
const free = Number(/\d+/.exec(freeText));
const sales = (/\n(\d+(?:, \d+){6}) units/.exec(example)?.[1] ?? '').split(', ').map(Number);

let database: TestDatabase;
let service: Service;
let receiver: Receiver;

const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const answer = await service.call(method, path, body);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
};
const valueOf = (quantity: string): number =>
  terms.find((term) => term.quantity === quantity)?.value ?? Number.NaN;
const isShown = (available: number) =>
  waitFor(() => receiver.levels.get('main kettle')?.available === available || undefined, {
    what: `the channel to show ${available}`,
  });

beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startReceiver();
  service = await startService({ DATABASE_URL: database.connectionString });
  await call('PUT', '/api/stores/main', {});
  const channel = { kind: 'webhook', config: { url: receiver.url } };
  const made = (await call('PUT', '/api/channels/web', channel)) as {
    credentials: { secret: string };
  };
  receiver.secret = made.credentials.secret;
  await sellForAWeek();
  await report();
  const lines = [{ storeId: 'main', sku: 'kettle', quantity: valueOf('reserved') }];
  await call('POST', '/api/reservations', { orderId: 'held', lines });
});

afterAll(async () => {
  await service.stop();
  await receiver.close();
  await database.drop();
});

/** When each source says that it was so, by source and quantity. */
const observedAt: Record<string, string> = {};

/** Bought ten days ago, and sold on each of the last seven full days what the example says. */
async function sellForAWeek(): Promise<void> {
  const today = new Date().setUTCHours(12, 0, 0, 0);
  const daysAgo = (days: number): string => new Date(today - days * 86_400_000).toISOString();
  const level = '/api/inventory/stores/main/inventory/kettle/adjust';
  const bought = valueOf('onHand') + sales.reduce((sum, units) => sum + units, 0);
  await call('POST', level, { delta: bought, reason: 'delivery', occurredAt: daysAgo(10) });
  for (const [index, units] of sales.entries()) {
    await call('POST', level, { delta: -units, reason: 'sale', occurredAt: daysAgo(7 - index) });
  }
}

async function report(): Promise<void> {
  const reported = terms.filter(({ source }) => source !== 'onhand');
  for (const sourceId of new Set(reported.map(({ source }) => source))) {
    const own = reported.filter(({ source }) => source === sourceId);
    await call('PUT', `/api/sources/${sourceId}`, {
      kind: 'push',
      owns: own.map(({ quantity }) => ({ quantity })),
    });
    await call('POST', `/api/sources/${sourceId}/changes`, {
      items: own.map(({ quantity, value }) => ({
        id: `${sourceId}-${quantity}`,
        sku: 'kettle',
        storeId: 'main',
        quantity,
        op: 'set',
        value,
        observedAt: (observedAt[`${sourceId} ${quantity}`] = new Date().toISOString()),
      })),
    });
  }
}

type Explained = {
  available: number;
  terms: { quantity: string; value: number; source: string; observedAt: string }[];
};
const explain = async (): Promise<Explained> =>
  (await call('GET', '/api/stock/kettle/available?storeId=main&explain=true')) as Explained;

describe('the worked example', () => {
  test('has all six terms, each with its owner and its age', async () => {
    expect(terms).toHaveLength(6);
    expect(sales).toHaveLength(7);
    const found = await explain();
    expect(found.available).toBe(free);
    for (const term of terms) expect(found.terms).toContainEqual(expect.objectContaining(term));
    const owned = found.terms.filter(({ source }) => source !== 'onhand');
    expect(owned).toHaveLength(5);
    expect(
      Object.fromEntries(owned.map((term) => [`${term.source} ${term.quantity}`, term.observedAt])),
    ).toEqual(observedAt);
    await isShown(free);
  });

  test.each(strategies.map((line) => [line.strategy, JSON.stringify(line.rule), line] as const))(
    '%s %s comes out as written, also at the channel',
    async (strategy, _text, { rule, safetyStock, available }) => {
      await call('PUT', '/api/safety-buffers', { sku: 'kettle', strategy, ...rule });
      await isShown(available);
      const found = await explain();
      expect(found.available).toBe(available);
      expect(found.terms).toContainEqual(
        expect.objectContaining({ quantity: 'safetyStock', value: safetyStock }),
      );
    },
  );

  test('ends as it began when the rule is taken away, and the books add up', async () => {
    await call('DELETE', '/api/safety-buffers?sku=kettle');
    await isShown(free);
    const pool = await openInspector(database.connectionString);
    const { rows: entries } = await pool.query<{ reference: string; sum: number }>(
      `select string_agg(reference, ', ' order by version) as reference, sum(delta)::integer as sum
       from ledger_entry where sku = 'kettle' and reason = 'safety_stock'`,
    );
    expect(entries[0]).toEqual({
      reference:
        'static of the SKU, dynamic of the SKU, velocity_based of the SKU, static of the SKU, ' +
        'static by default',
      sum: 0,
    });
    await expectCleanAudit(pool);
    await pool.end();
  });
});
