import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import {
  cancelOrder,
  commitReservation,
  confirmOrder,
  createReservation,
  expireReservations,
  getReservation,
  listReservations,
  releaseReservation,
} from '../../src/reservations/index.ts';
import type { Command, Outcome } from '../../src/stock/index.ts';
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

// An order is sold once, however it is told of: by its hold's name, by its own, or several times
// in one batch.

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

function linesOf(
  sku: string,
  quantity: number,
): { storeId: string; sku: string; quantity: number }[] {
  return [{ storeId: 'main', sku, quantity }];
}

async function hold(
  sku: string,
  quantity: number,
  orderId: string | null,
  ttlSeconds = 60,
): Promise<string> {
  const lines = linesOf(sku, quantity);
  const command = createReservation({ merchantId, orderId, lines, ttlSeconds, actor: null });
  return bodyOf(await submit(command)).reservationId ?? '';
}

type Body = { outcome?: string; reservationId?: string; reservation?: { orderId: string | null } };

function bodyOf(outcome: Outcome): Body {
  if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code}`);
  return JSON.parse(outcome.answer.body) as Body;
}

const codeOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : (bodyOf(outcome).outcome ?? '');

function event(orderId: string, sku: string, quantity: number, reservationId?: string) {
  const lines = linesOf(sku, quantity);
  const common = { merchantId, orderId, lines, actor: null, occurredAt: null };
  return { ...common, reservationId, sourceChannel: null };
}

test('a hold without an order becomes that of the order confirmed with it', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const id = await hold(sku, 2, null);
  const named = bodyOf(await submit(confirmOrder(event(sku, sku, 2, id), 'never')));
  expect(named).toMatchObject({ outcome: 'committed', reservation: { orderId: sku } });
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2), 'never')))).toBe('unchanged');
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 8, reserved: 0 });
  expect(codeOf(await submit(cancelOrder(event(sku, sku, 2))))).toBe('returned');
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 10, reserved: 0 });
});

test('a hold made under another name goes to the order confirmed with it, once', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const id = await hold(sku, 2, `${sku}-cart`);
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2, id), 'never')))).toBe('committed');
  const other = event(`${sku}-other`, sku, 2, id);
  expect(codeOf(await submit(confirmOrder(other, 'never')))).toBe('RESERVATION.NOT_ACTIVE');
  expect(codeOf(await submit(cancelOrder(other)))).toBe('ORDER.NOT_FOUND');
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2), 'never')))).toBe('unchanged');
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 8, reserved: 0 });
});

test('an order confirmed several times in one batch is taken once', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const outcomes = await writer.writer.submit([
    confirmOrder(event(sku, sku, 3), 'never'),
    confirmOrder(event(sku, sku, 3), 'never'),
    cancelOrder(event(sku, sku, 3)),
    cancelOrder(event(sku, sku, 3)),
  ]);
  expect(outcomes.map(codeOf)).toEqual(['taken', 'unchanged', 'returned', 'unchanged']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 10, reserved: 0 });
});

test('a named hold and its order in one batch are one sale', async () => {
  const sku = newSku();
  await submit(count(sku, 10));
  const id = await hold(sku, 2, null);
  const outcomes = await writer.writer.submit([
    confirmOrder(event(sku, sku, 2, id), 'never'),
    confirmOrder(event(sku, sku, 2), 'never'),
  ]);
  expect(outcomes.map(codeOf)).toEqual(['committed', 'unchanged']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 8, reserved: 0 });
});

/** Lets the time of short holds pass, and the sweep as well where it is asked for. */
async function letHoldsEnd(swept: boolean): Promise<void> {
  writer.clock.offsetMs += 11_000;
  if (swept) await expireReservations(handle.db, writer.writer, writer.clock);
}

test.each([[false], [true]])(
  'an order whose hold has ended is sold once, as that hold (swept: %s)',
  async (swept) => {
    const sku = newSku();
    await submit(count(sku, 4));
    const reservationId = await hold(sku, 2, sku, 10);
    await letHoldsEnd(swept);
    const confirmed = bodyOf(await submit(confirmOrder(event(sku, sku, 2), 'if-available')));
    expect(confirmed).toMatchObject({
      outcome: 'committed',
      reservation: { reservationId, status: 'committed', late: true },
    });
    const move = { merchantId, reservationId, actor: null };
    expect(bodyOf(await submit(commitReservation(move, 'if-available')))).toEqual(
      confirmed.reservation,
    );
    expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 2, reserved: 0 });
  },
);

test.each([[false], [true]])(
  'an order whose hold has ended for good is refused, not taken anew (swept: %s)',
  async (swept) => {
    const sku = newSku();
    await submit(count(sku, 4));
    await hold(sku, 2, sku, 10);
    await letHoldsEnd(swept);
    const confirm = (quantity: number, policy: 'never' | 'if-available') =>
      submit(confirmOrder(event(sku, sku, quantity), policy));
    expect(codeOf(await confirm(2, 'never'))).toBe('RESERVATION.EXPIRED');
    expect(codeOf(await confirm(3, 'if-available'))).toBe('ORDER.LINES_DIFFER');
    await hold(sku, 3, null);
    expect(codeOf(await confirm(2, 'if-available'))).toBe('RESERVATION.EXPIRED');
    expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 4 });
  },
);

test.each([[false], [true]])(
  'an order is confirmed with the hold that lasts, not with one that has ended (swept: %s)',
  async (swept) => {
    const sku = newSku();
    await submit(count(sku, 4));
    await hold(sku, 2, sku, 10);
    await letHoldsEnd(swept);
    const reservationId = await hold(sku, 3, sku);
    expect(bodyOf(await submit(confirmOrder(event(sku, sku, 3), 'never')))).toMatchObject({
      outcome: 'committed',
      reservation: { reservationId },
    });
    expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 1 });
  },
);

test('an order that was cancelled while it was only held is not sold by a late event', async () => {
  const sku = newSku();
  await submit(count(sku, 4));
  const reservationId = await hold(sku, 2, sku);
  const cancelled = bodyOf(await submit(cancelOrder(event(sku, sku, 2))));
  expect(cancelled).toMatchObject({ outcome: 'released', reservation: { status: 'released' } });
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2), 'never')))).toBe('ORDER.CANCELLED');
  expect(codeOf(await submit(cancelOrder(event(sku, sku, 2))))).toBe('unchanged');
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 4, reserved: 0 });
  // To everybody else it is a hold that was released.
  const move = { merchantId, reservationId, actor: null };
  expect(bodyOf(await submit(releaseReservation(move)))).toEqual(cancelled.reservation);
  const commit = await submit(commitReservation(move, 'if-available'));
  expect(commit).toMatchObject({
    refusal: { code: 'RESERVATION.NOT_ACTIVE', data: { reservationStatus: 'released' } },
  });
  expect(await getReservation(handle.db, inspector, move, 0)).toEqual(cancelled.reservation);
  const filter = { merchantId, orderId: sku, status: 'released' as const, limit: 10 };
  expect((await listReservations(handle.db, inspector, filter, 0)).items).toHaveLength(1);
  // Held anew it is an order again.
  await hold(sku, 2, sku);
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2), 'never')))).toBe('committed');
});

test('an order whose hold was given back, but that was not cancelled, can be sold', async () => {
  const sku = newSku();
  await submit(count(sku, 4));
  const given = await hold(sku, 2, sku);
  await submit(releaseReservation({ merchantId, reservationId: given, actor: null }));
  expect(codeOf(await submit(confirmOrder(event(sku, sku, 2), 'never')))).toBe('taken');
  const other = `${sku}-other`;
  const named = await hold(sku, 1, other);
  expect(codeOf(await submit(cancelOrder(event(`${sku}-third`, sku, 1, named))))).toBe('released');
  expect(codeOf(await submit(confirmOrder(event(other, sku, 1), 'never')))).toBe('taken');
});
