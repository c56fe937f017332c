import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import {
  cancelOrder,
  commitReservation,
  confirmOrder,
  createReservation,
  expireReservation,
  expireReservations,
  extendReservation,
  getReservation,
  releaseReservation,
  type CommitAfterExpiry,
  type ReservationView,
} from '../../src/reservations/index.ts';
import {
  LevelReader,
  listLevelsOfSku,
  type Command,
  type LevelView,
  type Outcome,
} from '../../src/stock/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import {
  adjust,
  count,
  ledgerOf,
  levelKey,
  levelRow,
  merchantId,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;
let test1: TestWriter;
let levels: LevelReader;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
  test1 = openTestWriter(database.connectionString);
  levels = new LevelReader(inspector, test1.clock);
});

afterAll(async () => {
  await test1.close();
  await inspector.end();
  await handle.close();
  await database.drop();
});

type Lines = [sku: string, quantity: number][];
const toLines = (lines: Lines) =>
  lines.map(([sku, quantity]) => ({ storeId: 'main', sku, quantity }));

const submit = (command: Command): Promise<Outcome> => test1.writer.submitOne(command);

function reserve(lines: Lines, ttlSeconds = 60, orderId: string | null = null): Promise<Outcome> {
  return submit(
    createReservation({ merchantId, orderId, lines: toLines(lines), ttlSeconds, actor: null }),
  );
}

async function hold(sku: string, quantity: number, ttlSeconds = 60, orderId?: string) {
  const outcome = await reserve([[sku, quantity]], ttlSeconds, orderId ?? null);
  return answerOf<ReservationView>(outcome).reservationId;
}

function answerOf<T>(outcome: Outcome): T {
  if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code}`);
  return JSON.parse(outcome.answer.body) as T;
}

const codeOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;

const move = (reservationId: string) => ({ merchantId, reservationId, actor: null });
const commit = (id: string, policy: CommitAfterExpiry = 'if-available') =>
  submit(commitReservation(move(id), policy));
const release = (id: string) => submit(releaseReservation(move(id)));
const sweep = () => expireReservations(handle.db, test1.writer, test1.clock);
const view = async (sku: string) => {
  const read = await levels.read(levelKey(sku));
  return read === undefined ? undefined : (JSON.parse(read.text) as LevelView);
};
const available = async (sku: string) => (await view(sku))?.available;

/** Lets time pass for the service and for the database. */
function pass(seconds: number): void {
  test1.clock.offsetMs += seconds * 1000;
}

test('a reservation holds all lines or none, and the same SKU twice is added up', async () => {
  const [a, b] = [newSku(), newSku()];
  await test1.writer.submit([count(a, 5), count(b, 1)]);
  const short = await reserve([
    [a, 3],
    [b, 2],
    [a, 3],
  ]);
  expect(short).toMatchObject({
    refusal: {
      code: 'STOCK.INSUFFICIENT',
      data: {
        lines: [
          { sku: a, requested: 6, available: 5 },
          { sku: b, requested: 2, available: 1 },
        ],
      },
    },
  });
  expect(await levelRow(inspector, a)).toMatchObject({ reserved: 0, version: 1 });
  const held = await reserve([
    [a, 3],
    [b, 1],
    [a, 2],
  ]);
  expect(answerOf<ReservationView>(held).lines).toEqual(
    toLines([
      [a, 5],
      [b, 1],
    ]),
  );
  expect([await available(a), await available(b)]).toEqual([0, 0]);
});

test('each hold ends at its own time, whatever is written before the sweep', async () => {
  const sku = newSku();
  await submit(count(sku, 9));
  await hold(sku, 2, 60);
  await hold(sku, 3, 120);
  await hold(sku, 1, 3_600);
  expect(await available(sku)).toBe(3);
  pass(61);
  expect(await available(sku)).toBe(5);
  await submit(adjust(sku, 1));
  expect(await available(sku)).toBe(6);
  pass(60);
  expect(await available(sku)).toBe(9);
  await submit(adjust(sku, -2));
  await sweep();
  expect([await available(sku), await levelRow(inspector, sku)]).toMatchObject([
    7,
    { reserved: 1 },
  ]);
  expect((await listLevelsOfSku(handle.db, merchantId, sku, test1.clock.offsetMs))[0]).toEqual(
    await view(sku),
  );
  await expectCleanAudit(inspector);
});

test('a commit takes on hand and reserved together; repeating it changes nothing', async () => {
  const sku = newSku();
  await submit(count(sku, 5));
  const id = await hold(sku, 2);
  const first = await commit(id);
  const again = await commit(id);
  expect(answerOf(again)).toEqual(answerOf(first));
  expect(answerOf(first)).toMatchObject({ status: 'committed' });
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 3, reserved: 0, version: 3 });
  const versions = (await ledgerOf(inspector, sku)).map((e) => `${e.version} ${e.quantity}`);
  expect(versions).toEqual(['1 on_hand', '2 reserved', '3 on_hand', '3 reserved']);
  expect(codeOf(await release(id))).toBe('RESERVATION.NOT_ACTIVE');
});

test('a hold is free the instant it expires, in reads and in decisions', async () => {
  const sku = newSku();
  await submit(count(sku, 2));
  await hold(sku, 2, 10);
  expect(await available(sku)).toBe(0);
  expect(codeOf(await reserve([[sku, 1]]))).toBe('STOCK.INSUFFICIENT');
  pass(11);
  expect(await available(sku)).toBe(2);
  const next = await hold(sku, 2);
  expect(codeOf(await submit(adjust(sku, -1)))).toBe('STOCK.INSUFFICIENT');
  // The sweep writes the old hold down and leaves the new one alone.
  expect(await sweep()).toBeGreaterThanOrEqual(1);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 2, reserved: 2 });
  expect(answerOf(await commit(next))).toMatchObject({ status: 'committed' });
});

test('the sweep ends a hold once, with a ledger entry and an outbox message', async () => {
  const sku = newSku();
  await submit(count(sku, 4));
  const id = await hold(sku, 3, 10);
  pass(11);
  const key = { merchantId, reservationId: id };
  expect(await getReservation(handle.db, inspector, key, test1.clock.offsetMs)).toMatchObject({
    status: 'expired',
  });
  await Promise.all([sweep(), sweep()]);
  expect(await sweep()).toBe(0);
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 4, reserved: 0, version: 3 });
  const { rows } = await inspector.query(
    'select version from outbox_message where sku = $1 order by version',
    [sku],
  );
  expect(rows).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }]);
});

test('a sweep that comes too early or too often changes nothing', async () => {
  const sku = newSku();
  await submit(count(sku, 4));
  const id = await hold(sku, 3, 10);
  const expire = () => submit(expireReservation(move(id)));
  expect(answerOf(await expire())).toMatchObject({ status: 'active' });
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 4, reserved: 3, version: 2 });
  pass(11);
  expect(answerOf(await expire())).toMatchObject({ status: 'expired' });
  expect(answerOf(await expire())).toMatchObject({ status: 'expired' });
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 4, reserved: 0, version: 3 });
});

test('a hold that has ended is not released, whether the sweep has passed or not', async () => {
  const sku = newSku();
  await submit(count(sku, 4));
  const id = await hold(sku, 3, 10);
  pass(11);
  expect(codeOf(await release(id))).toBe('RESERVATION.NOT_ACTIVE');
  await sweep();
  expect(codeOf(await release(id))).toBe('RESERVATION.NOT_ACTIVE');
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 4, reserved: 0, version: 3 });
});

test.each([[false], [true]])(
  'a late commit goes through only where the stock is still free (swept: %s)',
  async (swept) => {
    const sku = newSku();
    await submit(count(sku, 2));
    const [free, taken] = [await hold(sku, 1, 10), await hold(sku, 1, 10)];
    pass(11);
    if (swept) await sweep();
    expect(codeOf(await commit(free, 'never'))).toBe('RESERVATION.EXPIRED');
    expect(answerOf(await commit(free))).toMatchObject({ status: 'committed', late: true });
    await hold(sku, 1);
    expect(codeOf(await commit(taken))).toBe('RESERVATION.EXPIRED');
    await sweep();
    expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 1, reserved: 1 });
  },
);

test('an extension lasts from now on, and an ended hold cannot be extended', async () => {
  const sku = newSku();
  await submit(count(sku, 1));
  const id = await hold(sku, 1, 10);
  pass(5);
  expect(codeOf(await submit(extendReservation(move(id), 20)))).toBe('applied');
  pass(15);
  expect(await available(sku)).toBe(0);
  pass(6);
  expect(await available(sku)).toBe(1);
  const late = await submit(extendReservation(move(id), 20));
  expect(late).toMatchObject({ refusal: { data: { reservationStatus: 'expired' } } });
});

test('releasing twice gives the same answer; what is unknown is refused', async () => {
  const sku = newSku();
  await submit(count(sku, 1));
  const id = await hold(sku, 1);
  expect(answerOf(await release(id))).toEqual(answerOf(await release(id)));
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 1, reserved: 0, version: 3 });
  expect(codeOf(await commit(id))).toBe('RESERVATION.NOT_ACTIVE');
  expect(codeOf(await commit('rsv_unknown'))).toBe('RESERVATION.NOT_FOUND');
});

test('many moves of one reservation at once: one wins, the rest see what it did', async () => {
  const sku = newSku();
  await submit(count(sku, 1));
  const id = await hold(sku, 1);
  const outcomes = await Promise.all([commit(id), release(id), commit(id), release(id)]);
  expect(outcomes.map(codeOf)).toEqual([
    'applied',
    'RESERVATION.NOT_ACTIVE',
    'applied',
    'RESERVATION.NOT_ACTIVE',
  ]);
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 0, reserved: 0, version: 3 });
});

function order(orderId: string, lines: Lines, reservationId?: string) {
  const common = { merchantId, orderId, lines: toLines(lines), actor: null, occurredAt: null };
  return { ...common, reservationId, sourceChannel: 'shop' };
}

test('a confirmed order commits its reservation, or takes its lines, and only once', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  await hold(sku, 2, 60, `${sku}-held`);
  const held = order(`${sku}-held`, [[sku, 2]]);
  expect(answerOf(await submit(confirmOrder(held, 'never')))).toMatchObject({
    outcome: 'committed',
  });
  const direct = order(`${sku}-direct`, [[sku, 3]]);
  expect(answerOf(await submit(confirmOrder(direct, 'never')))).toMatchObject({ outcome: 'taken' });
  const again = await Promise.all([
    submit(confirmOrder(direct, 'never')),
    submit(confirmOrder(held, 'never')),
  ]);
  expect(again.map((o) => answerOf<{ outcome: string }>(o).outcome)).toEqual([
    'unchanged',
    'unchanged',
  ]);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 5, reserved: 0 });
  const tooMuch = order(`${sku}-much`, [[sku, 6]]);
  expect(codeOf(await submit(confirmOrder(tooMuch, 'never')))).toBe('STOCK.INSUFFICIENT');
});

test('a cancelled order gives back what it held or took, once, and stays cancelled', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const taken = order(`${sku}-taken`, [[sku, 4]]);
  await submit(confirmOrder(taken, 'never'));
  await hold(sku, 3, 60, `${sku}-held`);
  const outcomes = [
    await submit(cancelOrder(order(`${sku}-taken`, []))),
    await submit(cancelOrder(order(`${sku}-held`, [[sku, 3]]))),
    await submit(cancelOrder(order(`${sku}-taken`, []))),
  ];
  expect(outcomes.map((o) => answerOf<{ outcome: string }>(o).outcome)).toEqual([
    'returned',
    'released',
    'unchanged',
  ]);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 10, reserved: 0 });
  expect(codeOf(await submit(confirmOrder(taken, 'never')))).toBe('ORDER.CANCELLED');
  expect(codeOf(await submit(cancelOrder(order('never-seen', []))))).toBe('ORDER.NOT_FOUND');
});
