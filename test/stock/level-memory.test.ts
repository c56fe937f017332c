import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createReservation, extendReservation } from '../../src/reservations/index.ts';
import type { BatchReport, Command, Outcome } from '../../src/stock/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  adjust,
  count,
  keyed,
  levelRow,
  merchantId,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';

let database: TestDatabase;
let inspector: Pool;
let ours: TestWriter;
let other: TestWriter;
const reports: BatchReport[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = await openInspector(database.connectionString);
});

// Writers of their own for each test: what one remembers is no matter of another.
beforeEach(() => {
  reports.length = 0;
  ours = openTestWriter(database.connectionString, { onBatch: (report) => reports.push(report) });
  other = openTestWriter(database.connectionString);
  return async () => {
    await ours.close();
    await other.close();
    await expectCleanAudit(inspector);
  };
});

afterAll(async () => {
  await inspector.end();
  await database.drop();
});

const submit = (command: Command): Promise<Outcome> => ours.writer.submitOne(command);
const kindOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
const wasRemembered = (): boolean => reports.at(-1)?.readMs === 0;
const newest = (outcome: Outcome): Record<string, unknown> =>
  outcome.kind === 'refused' ? {} : (JSON.parse(outcome.answer.body) as Record<string, unknown>);
const hold = (sku: string, quantity: number, ttlSeconds: number) =>
  createReservation({
    merchantId,
    orderId: null,
    lines: [{ storeId: 'main', sku, quantity }],
    ttlSeconds,
    actor: null,
  });

test('a level that was just changed is not read again', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  expect(wasRemembered()).toBe(false);
  expect(newest(await submit(adjust(sku, -3)))).toMatchObject({ onHand: 7, version: 2 });
  expect(newest(await submit(adjust(sku, -3)))).toMatchObject({ onHand: 4, version: 3 });
  expect(wasRemembered()).toBe(true);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 4, version: 3 });
});

test('what another process changed meanwhile is seen, whatever is remembered', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  await other.writer.submitOne(adjust(sku, -4));
  expect(newest(await submit(adjust(sku, -1)))).toMatchObject({ onHand: 5, version: 3 });
  expect(reports.at(-1)?.attempts).toBe(2);
});

test('a refusal is never given on what is only remembered', async () => {
  const sku = newSku();
  await submit(count(sku, 1));
  await submit(adjust(sku, -1));
  await other.writer.submitOne(adjust(sku, 5));
  expect(newest(await submit(adjust(sku, -1)))).toMatchObject({ onHand: 4, version: 4 });
});

test('what is remembered of one level proves nothing for another of the same batch', async () => {
  const [a, b] = [newSku(), newSku()];
  await submit(count(a, 5));
  await submit(count(b, 1));
  await other.writer.submitOne(adjust(b, 1));
  const outcomes = await ours.writer.submit([adjust(a, -1), adjust(b, -2)]);
  expect(outcomes.map(kindOf)).toEqual(['applied', 'applied']);
});

test('of a batch only the levels that are not known are read', async () => {
  const [known, fresh, held] = [newSku(), newSku(), newSku()];
  await submit(count(known, 5));
  await other.writer.submit([count(fresh, 7), count(held, 4), adjust(known, 1)]);
  await other.writer.submitOne(hold(held, 3, 60));
  const batch = () => ours.writer.submit([known, fresh, held].map((sku) => adjust(sku, -1)));
  // What is remembered of the first is out of date: only a batch that went by it is tried twice.
  expect((await batch()).map((one) => newest(one)['available'])).toEqual([5, 6, 0]);
  expect(reports.at(-1)).toMatchObject({ commands: 3, attempts: 2 });
  expect(wasRemembered()).toBe(false);
  ours.clock.offsetMs += 60_000;
  expect((await ours.writer.submit([adjust(held, -3)])).map(kindOf)).toEqual(['applied']);
});

test('a key that another process has used meanwhile is a replay', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const command = () => adjust(sku, -1, { key: keyed('same', sku) });
  const first = await other.writer.submitOne(command());
  const again = await submit(command());
  expect(again).toEqual({ ...first, kind: 'replayed' });
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 9 });
});

test('a repeat is answered as a repeat, though it could not be applied any more', async () => {
  const sku = newSku();
  await submit(count(sku, 5));
  const takeAll = () => adjust(sku, -5, { key: keyed('all', sku) });
  const first = await submit(takeAll());
  const [again, more] = await ours.writer.submit([takeAll(), adjust(sku, 1)]);
  expect(again).toEqual({ ...first, kind: 'replayed' });
  expect(more?.kind).toBe('applied');
});

test('a remembered hold counts no longer once its time has come', async () => {
  const sku = newSku();
  await submit(count(sku, 2));
  await submit(hold(sku, 2, 60));
  expect(kindOf(await submit(adjust(sku, -1)))).toBe('STOCK.INSUFFICIENT');
  ours.clock.offsetMs += 60_000;
  expect(newest(await submit(adjust(sku, 1)))).toMatchObject({ reserved: 0, available: 3 });
  expect(wasRemembered()).toBe(false);
  expect(newest(await submit(adjust(sku, -1)))).toMatchObject({ available: 2 });
});

test('with holds that last, levels are remembered all the same', async () => {
  const sku = newSku();
  await submit(count(sku, 9));
  await submit(hold(sku, 2, 60));
  expect(newest(await submit(adjust(sku, -1)))).toMatchObject({ reserved: 2, available: 6 });
  expect(wasRemembered()).toBe(true);
});

test('a hold that was shortened ends at its new time', async () => {
  const sku = newSku();
  await submit(count(sku, 2));
  const held = newest(await submit(hold(sku, 2, 3_600)));
  const reservationId = String(held['reservationId']);
  await submit(extendReservation({ merchantId, reservationId, actor: null }, 60));
  ours.clock.offsetMs += 61_000;
  expect(newest(await submit(adjust(sku, 1)))).toMatchObject({ reserved: 0, available: 3 });
});

test('what comes after a moment of the database is recorded after it', async () => {
  const sku = newSku();
  await submit(count(sku, 100));
  for (let round = 0; round < 50; round += 1) {
    const { rows } = await inspector.query<{ now: string }>(
      'select clock_timestamp()::text as now',
    );
    await submit(adjust(sku, -1));
    const { rowCount } = await inspector.query(
      `select from ledger_entry where merchant_id = 'default' and sku = $1 and version = $2
         and recorded_at >= $3::timestamptz`,
      [sku, round + 2, rows[0]?.now],
    );
    expect(rowCount).toBe(1);
  }
  expect(wasRemembered()).toBe(true);
});

test('recorded times follow the versions, whoever wrote them', async () => {
  const sku = newSku();
  await submit(count(sku, 100));
  for (let round = 0; round < 20; round += 1) {
    await (round % 3 === 0 ? other : ours).writer.submitOne(adjust(sku, -1));
  }
  const { rows } = await inspector.query<{ backwards: number }>(
    `select count(*) as backwards from (
       select recorded_at < lag(recorded_at) over (order by version) as wrong
       from ledger_entry where merchant_id = 'default' and sku = $1) t where wrong`,
    [sku],
  );
  expect(Number(rows[0]?.backwards)).toBe(0);
});
