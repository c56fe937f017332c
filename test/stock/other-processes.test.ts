import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  commitReservation,
  confirmOrder,
  createReservation,
  expireReservation,
  extendReservation,
} from '../../src/reservations/index.ts';
import type { Outcome } from '../../src/stock/index.ts';
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
import { waitFor } from '../support/wait-for.ts';
import { afterAnswer, openTappedWriter } from './tapped-writer.ts';

// What happens between the reads of a batch and its commit: another process, or a failover.

let database: TestDatabase;
let inspector: Pool;
let other: TestWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = await openInspector(database.connectionString);
  other = openTestWriter(database.connectionString);
});

afterAll(async () => {
  await expectCleanAudit(inspector);
  await other.close();
  await inspector.end();
  await database.drop();
});

let events = 0;

/** The event that an order is certain; each has an id of its own. */
function confirmed(orderId: string, sku: string, quantity: number, reservationId?: string) {
  events += 1;
  return confirmOrder(
    {
      merchantId,
      orderId,
      lines: [{ storeId: 'main', sku, quantity }],
      reservationId,
      sourceChannel: 'web',
      actor: null,
      occurredAt: null,
      idempotencyKey: keyed(`event ${events}`, events),
    },
    'if-available',
  );
}

async function hold(sku: string, quantity: number, ttlSeconds: number): Promise<string> {
  const lines = [{ storeId: 'main', sku, quantity }];
  const outcome = await other.writer.submitOne(
    createReservation({ merchantId, orderId: null, lines, ttlSeconds, actor: null }),
  );
  return (bodyOf(outcome) as { reservationId: string }).reservationId;
}

function bodyOf(outcome: Outcome): unknown {
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.code);
  return JSON.parse(outcome.answer.body);
}

test('an order that two processes hear of is taken from stock once', async () => {
  const sku = newSku();
  await other.writer.submitOne(count(sku, 10));
  const tap = afterAnswer(1, 'reservations', () =>
    other.writer.submitOne(confirmed('order-twice', sku, 3)),
  );
  const ours = openTappedWriter(database.connectionString, tap);
  const outcome = await ours.writer.submitOne(confirmed('order-twice', sku, 3));
  expect(bodyOf(outcome)).toMatchObject({ outcome: 'unchanged' });
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 7 });
  await ours.close();
});

test('a hold that is made longer while the sweep reads it lasts', async () => {
  const sku = newSku();
  await other.writer.submitOne(count(sku, 10));
  const reservationId = await hold(sku, 4, 60);
  const about = { merchantId, reservationId, actor: null };
  const tap = afterAnswer(1, 'reservations', () =>
    other.writer.submitOne(extendReservation(about, 600)),
  );
  const sweep = openTappedWriter(database.connectionString, tap);
  sweep.clock.offsetMs = 120_000;
  await sweep.writer.submitOne(expireReservation(about));
  const { rows } = await inspector.query(
    `select status, expires_at > now() + interval '5 minutes' as is_longer from reservation
     where reservation_id = $1`,
    [reservationId],
  );
  expect(rows).toEqual([{ status: 'active', is_longer: true }]);
  await sweep.close();
});

test('what was sold without an order goes to one order', async () => {
  const sku = newSku();
  await other.writer.submitOne(count(sku, 10));
  const reservationId = await hold(sku, 4, 600);
  const about = { merchantId, reservationId, actor: null };
  await other.writer.submitOne(commitReservation(about, 'if-available'));
  // When all has been read.
  const tap = afterAnswer(2, 'reservations', () =>
    other.writer.submitOne(confirmed('order-second', sku, 4, reservationId)),
  );
  const ours = openTappedWriter(database.connectionString, tap);
  const outcome = await ours.writer.submitOne(confirmed('order-first', sku, 4, reservationId));
  expect(outcome).toMatchObject({ kind: 'refused', refusal: { code: 'RESERVATION.NOT_ACTIVE' } });
  await ours.close();
});

test('a commit whose answer was lost is found, whatever goes wrong after it', async () => {
  const skus = [newSku(), newSku()];
  for (const sku of skus) await other.writer.submitOne(count(sku, 10));
  let [commits, locks] = [0, 0];
  const ours = openTappedWriter(database.connectionString, async (name, send) => {
    if (name === 'stock_commit') commits += 1;
    if (name === 'stock_lock') locks += 1;
    const answer = await send();
    if (name === 'stock_commit' && commits === 1) {
      throw Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
    }
    if (name === 'stock_lock' && locks === 1) {
      throw Object.assign(new Error('a timeout'), { code: '57014' });
    }
    return answer;
  });
  const outcomes = await Promise.all(skus.map((sku) => ours.writer.submitOne(adjust(sku, -1))));
  expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied']);
  expect([commits, locks]).toEqual([1, 2]);
  for (const sku of skus) expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 9 });
  await ours.close();
});

test('levels are not remembered over a failover that lost a commit', async () => {
  const [sku, elsewhere] = [newSku(), newSku()];
  const ours = openTestWriter(database.connectionString);
  await ours.writer.submitOne(count(elsewhere, 10));
  await ours.writer.submitOne(count(sku, 10));
  const before = await levelRow(inspector, sku);
  await ours.writer.submitOne(adjust(sku, 50));
  // What the new primary does not have.
  await inspector.query(
    `update stock_level set on_hand = 10, version = 1, updated_at = now() - interval '1 second'
     where sku = $1`,
    [sku],
  );
  await inspector.query('delete from ledger_entry where sku = $1 and version = 2', [sku]);
  await inspector.query('delete from outbox_message where sku = $1 and version = 2', [sku]);
  expect(await levelRow(inspector, sku)).toMatchObject({ version: before?.['version'] });
  await endSessionsOfWriters();
  const successor = openTestWriter(database.connectionString);
  await successor.writer.submitOne(adjust(sku, -10));
  // A session is opened anew, and with it the clock is heard again.
  await ours.writer.submitOne(adjust(elsewhere, 1));
  expect(await ours.writer.submitOne(adjust(sku, -20))).toMatchObject({
    kind: 'refused',
    refusal: { code: 'STOCK.INSUFFICIENT' },
  });
  await ours.close();
  await successor.close();
});

async function endSessionsOfWriters(): Promise<void> {
  const others = `pg_stat_activity where datname = current_database()
    and pid <> pg_backend_pid() and application_name = 'onhand writer'`;
  await inspector.query(`select pg_terminate_backend(pid) from ${others}`);
  await waitFor(async () => (await inspector.query(`select from ${others}`)).rowCount === 0, {
    what: 'the sessions to end',
  });
}
