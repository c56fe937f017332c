import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import {
  cancelOrder,
  commitReservation,
  confirmOrder,
  createReservation,
  expireReservations,
  releaseReservation,
} from '../../src/reservations/index.ts';
import type { Command, Outcome } from '../../src/stock/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import {
  count,
  levelRow,
  merchantId,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';

// A storefront that holds each SKU by itself has several holds for one order: it is sold with all
// of them, and cancelled with all of them.

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;
let writer: TestWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
  writer = openTestWriter(database.connectionString);
});

afterAll(async () => {
  await writer.close();
  await inspector.end();
  await handle.close();
  await database.drop();
});

const submit = (command: Command): Promise<Outcome> => writer.writer.submitOne(command);

type Lines = readonly (readonly [sku: string, quantity: number])[];

const toLines = (lines: Lines) =>
  lines.map(([sku, quantity]) => ({ storeId: 'main', sku, quantity }));

/** Two SKUs with 10 units each. */
async function stocked(): Promise<[p: string, q: string]> {
  const skus: [string, string] = [newSku(), newSku()];
  await writer.writer.submit(skus.map((sku) => count(sku, 10)));
  return skus;
}

type Body = { outcome: string; reservationId: string; reservation: { reservationId: string } };

function bodyOf(outcome: Outcome): Body {
  if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code}`);
  return JSON.parse(outcome.answer.body) as Body;
}

const codeOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : bodyOf(outcome).outcome;

async function hold(orderId: string, lines: Lines, ttlSeconds = 60): Promise<string> {
  const input = { merchantId, orderId, lines: toLines(lines), ttlSeconds, actor: null };
  return bodyOf(await submit(createReservation(input))).reservationId;
}

function event(orderId: string, lines: Lines) {
  const common = { merchantId, orderId, lines: toLines(lines), actor: null, occurredAt: null };
  return { ...common, sourceChannel: null };
}

const confirm = (orderId: string, lines: Lines): Promise<Outcome> =>
  submit(confirmOrder(event(orderId, lines), 'if-available'));
const cancel = (orderId: string, lines: Lines = []): Promise<Outcome> =>
  submit(cancelOrder(event(orderId, lines)));

const move = (reservationId: string) => ({ merchantId, reservationId, actor: null });

test('an order with several holds is confirmed with all of them, each level once', async () => {
  const [p, q] = await stocked();
  const first = await hold(p, [[p, 1]]);
  await hold(p, [[q, 2]]);
  await hold(p, [[p, 3]]);
  const whole: Lines = [
    [q, 2],
    [p, 4],
  ];
  expect(bodyOf(await confirm(p, whole))).toMatchObject({
    outcome: 'committed',
    reservation: { reservationId: first, status: 'committed' },
  });
  expect(await levelRow(inspector, p)).toEqual({ on_hand: 6, reserved: 0, version: 4 });
  expect(await levelRow(inspector, q)).toEqual({ on_hand: 8, reserved: 0, version: 3 });
  expect(codeOf(await confirm(p, whole))).toBe('unchanged');
  expect(codeOf(await confirm(p, [[p, 5]]))).toBe('ORDER.LINES_DIFFER');
  await expectCleanAudit(inspector);
});

test('one hold of several is confirmed by its lines, and the others afterwards', async () => {
  const [p, q] = await stocked();
  await hold(p, [[p, 1]]);
  const second = await hold(p, [[q, 2]]);
  expect(bodyOf(await confirm(p, [[q, 2]]))).toMatchObject({
    outcome: 'committed',
    reservation: { reservationId: second },
  });
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 10, reserved: 1 });
  expect(codeOf(await confirm(p, [[q, 2]]))).toBe('unchanged');
  const whole: Lines = [
    [p, 1],
    [q, 2],
  ];
  expect(codeOf(await confirm(p, whole))).toBe('committed');
  expect(codeOf(await confirm(p, [[p, 1]]))).toBe('unchanged');
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 9, reserved: 0 });
  expect(await levelRow(inspector, q)).toMatchObject({ on_hand: 8, reserved: 0 });
});

test('of several holds all are committed or none', async () => {
  const [p, q] = await stocked();
  const first = await hold(p, [[p, 1]]);
  await hold(p, [[q, 2]]);
  await hold(p, [[q, 1]]);
  // A count found less than is held.
  await submit(count(q, 2));
  const whole: Lines = [
    [p, 1],
    [q, 3],
  ];
  expect(codeOf(await confirm(p, whole))).toBe('STOCK.INSUFFICIENT');
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 10, reserved: 1 });
  expect(bodyOf(await submit(releaseReservation(move(first))))).toMatchObject({
    status: 'released',
  });
});

test('an order that was held anew is sold once', async () => {
  const [p] = await stocked();
  await hold(p, [[p, 2]]);
  await hold(p, [[p, 3]]);
  expect(codeOf(await confirm(p, [[p, 3]]))).toBe('committed');
  expect(codeOf(await confirm(p, [[p, 2]]))).toBe('ORDER.LINES_DIFFER');
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 7, reserved: 2 });
  expect(codeOf(await cancel(p, [[p, 3]]))).toBe('returned');
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 10, reserved: 0 });
});

test.each([[false], [true]])(
  'a hold of several that has ended is committed late with the others (swept: %s)',
  async (swept) => {
    const [p, q] = await stocked();
    await hold(p, [[p, 1]], 10);
    await hold(p, [[p, 2]], 3_600);
    await hold(p, [[q, 2]], 3_600);
    writer.clock.offsetMs += 11_000;
    if (swept) await expireReservations(handle.db, writer.writer, writer.clock);
    const whole: Lines = [
      [p, 3],
      [q, 2],
    ];
    expect(codeOf(await confirm(p, whole))).toBe('committed');
    expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 7, reserved: 0 });
    expect(await levelRow(inspector, q)).toMatchObject({ on_hand: 8, reserved: 0 });
    await expectCleanAudit(inspector);
  },
);

test('a cancelled order gives back all that it bought and all that it held, once', async () => {
  const [p, q] = await stocked();
  for (const id of [await hold(p, [[p, 1]]), await hold(p, [[q, 2]])]) {
    await submit(commitReservation(move(id), 'never'));
  }
  await hold(p, [[p, 4]]);
  const before = await levelRow(inspector, p);
  expect(codeOf(await cancel(p, [[p, 1]]))).toBe('ORDER.LINES_DIFFER');
  expect(codeOf(await cancel(p))).toBe('returned');
  const version = (before?.version ?? 0) + 1;
  expect(await levelRow(inspector, p)).toEqual({ on_hand: 10, reserved: 0, version });
  expect(await levelRow(inspector, q)).toMatchObject({ on_hand: 10, reserved: 0 });
  expect(codeOf(await cancel(p))).toBe('unchanged');
  await expectCleanAudit(inspector);
});

test('a cancelled order that bought nothing releases each of its holds', async () => {
  const [p, q] = await stocked();
  await hold(p, [[p, 1]]);
  await hold(p, [[q, 2]]);
  const whole: Lines = [
    [p, 1],
    [q, 2],
  ];
  expect(codeOf(await cancel(p, whole))).toBe('released');
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 10, reserved: 0 });
  expect(await levelRow(inspector, q)).toMatchObject({ on_hand: 10, reserved: 0 });
  expect(codeOf(await cancel(p, whole))).toBe('unchanged');
});

test('in one batch, several holds are sold and returned once', async () => {
  const [p, q] = await stocked();
  await hold(p, [[p, 1]]);
  await hold(p, [[q, 2]]);
  const whole: Lines = [
    [p, 1],
    [q, 2],
  ];
  const confirmed = () => confirmOrder(event(p, whole), 'never');
  const cancelled = () => cancelOrder(event(p, whole));
  const outcomes = await writer.writer.submit([
    confirmed(),
    confirmed(),
    cancelled(),
    cancelled(),
    confirmed(),
  ]);
  expect(outcomes.map(codeOf)).toEqual([
    'committed',
    'unchanged',
    'returned',
    'unchanged',
    'ORDER.CANCELLED',
  ]);
  expect(await levelRow(inspector, p)).toMatchObject({ on_hand: 10, reserved: 0 });
  expect(await levelRow(inspector, q)).toMatchObject({ on_hand: 10, reserved: 0 });
});
