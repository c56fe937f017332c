import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Outcome } from '../../src/stock/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  adjust,
  count,
  keyed,
  ledgerOf,
  levelRow,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';
import { startTcpProxy, type Cut } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let inspector: Pool;
let first: TestWriter;
let second: TestWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = await openInspector(database.connectionString);
  first = openTestWriter(database.connectionString);
  second = openTestWriter(database.connectionString);
});

afterAll(async () => {
  await first.close();
  await second.close();
  await inspector.end();
  await database.drop();
});

const kinds = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind));

test('300 buyers of 100 pieces through two writers: exactly 100 get one', async () => {
  const sku = newSku();
  await first.writer.submitOne(count(sku, 100));
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      (i % 2 === 0 ? first : second).writer.submitOne(adjust(sku, -1)),
    ),
  );
  const said = kinds(outcomes);
  expect(said.filter((kind) => kind === 'applied')).toHaveLength(100);
  expect(said.filter((kind) => kind === 'STOCK.INSUFFICIENT')).toHaveLength(200);
  expect(await levelRow(inspector, sku)).toEqual({ on_hand: 0, reserved: 0, version: 101 });
});

test('two writers that fight for one SKU both get through, versions without a gap', async () => {
  const sku = newSku();
  await first.writer.submitOne(count(sku, 0));
  const writers = [first.writer, second.writer];
  const outcomes: Outcome[] = [];
  await Promise.all(
    writers.map(async (writer) => {
      for (let round = 0; round < 40; round += 1) {
        const commands = Array.from({ length: 5 }, () => writer.submitOne(adjust(sku, 1)));
        outcomes.push(...(await Promise.all(commands)));
      }
    }),
  );
  expect(new Set(kinds(outcomes))).toEqual(new Set(['applied']));
  const versions = (await ledgerOf(inspector, sku)).map((entry) => entry.version);
  expect(versions).toEqual(Array.from({ length: 401 }, (_, i) => i + 1));
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 400 });
});

test('a command sent three times at once is applied once and answered the same', async () => {
  const sku = newSku();
  await first.writer.submitOne(count(sku, 1000));
  const sends = Array.from({ length: 50 }, (_, i) => keyed(`${sku}-${i}`, sku, i)).flatMap(
    (key) => [
      first.writer.submitOne(adjust(sku, -1, { key })),
      second.writer.submitOne(adjust(sku, -1, { key })),
      first.writer.submitOne(adjust(sku, -1, { key })),
    ],
  );
  const outcomes = await Promise.all(sends);
  const applied = kinds(outcomes).filter((kind) => kind === 'applied');
  expect(applied).toHaveLength(50);
  for (let i = 0; i < outcomes.length; i += 3) {
    const answers = outcomes.slice(i, i + 3).map((o) => (o.kind === 'refused' ? o : o.answer));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  }
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 950 });
});

test('a key that comes with another request is refused and changes nothing', async () => {
  const sku = newSku();
  await first.writer.submitOne(adjust(sku, 5, { key: keyed(`reuse-${sku}`, 'five') }));
  const reused = adjust(sku, 6, { key: keyed(`reuse-${sku}`, 'six') });
  expect(kinds([await first.writer.submitOne(reused)])).toEqual(['IDEMPOTENCY.KEY_REUSED']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 5, version: 1 });
});

test('a refusal of stock is not remembered: the same key may succeed after a restock', async () => {
  const sku = newSku();
  const key = keyed(`restock-${sku}`, sku);
  await first.writer.submitOne(count(sku, 1));
  const before = await first.writer.submitOne(adjust(sku, -2, { key }));
  await first.writer.submitOne(count(sku, 9));
  const after = await first.writer.submitOne(adjust(sku, -2, { key }));
  expect(kinds([before, after])).toEqual(['STOCK.INSUFFICIENT', 'applied']);
});

test('a command that Postgres will not take fails alone', async () => {
  const sku = newSku();
  // NUL cannot be stored as text; the edge refuses it, here it stands for any such fault.
  const broken = first.writer.submitOne(adjust(`${sku}\u0000`, 1));
  const [fault, neighbour] = await Promise.allSettled([
    broken,
    first.writer.submitOne(adjust(sku, 1)),
  ]);
  expect(fault.status).toBe('rejected');
  expect(neighbour).toMatchObject({ status: 'fulfilled', value: { kind: 'applied' } });
});

test('all or none: a refused mutation leaves no trace of the others', async () => {
  const [a, b] = [newSku(), newSku()];
  await first.writer.submit([count(a, 5), count(b, 5)]);
  const key = keyed(`atomic-${a}`, a);
  const outcomes = await first.writer.submit([adjust(a, -1, { key }), adjust(b, -9)], true);
  expect(kinds(outcomes)).toEqual(['MUTATIONS.NOT_APPLIED', 'STOCK.INSUFFICIENT']);
  expect(await levelRow(inspector, a)).toMatchObject({ on_hand: 5, version: 1 });
  // Its key is free too.
  const again = await first.writer.submit([adjust(a, -1, { key }), adjust(b, -5)], true);
  expect(kinds(again)).toEqual(['applied', 'applied']);
});

test('all or none: what was undone is no answer to a repeat of it in the same list', async () => {
  const sku = newSku();
  await first.writer.submitOne(count(sku, 5));
  const done = keyed(`done-${sku}`, sku);
  await first.writer.submitOne(adjust(sku, -1, { key: done }));
  const key = keyed(`undone-${sku}`, sku);
  const outcomes = await first.writer.submit(
    [
      adjust(sku, -1, { key }),
      adjust(sku, -1, { key }),
      adjust(sku, -1, { key: done }),
      adjust(sku, -99),
    ],
    true,
  );
  const undone = 'MUTATIONS.NOT_APPLIED';
  expect(kinds(outcomes)).toEqual([undone, undone, 'replayed', 'STOCK.INSUFFICIENT']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 4, version: 2 });
});

test('a level that somebody else keeps locked makes no other wait in vain', async () => {
  const [locked, free] = [newSku(), newSku()];
  const impatient = openTestWriter(database.connectionString, { timeoutMs: 300 });
  const { writer } = impatient;
  await writer.submit([count(locked, 5), count(free, 5)]);
  const other = await inspector.connect();
  await other.query('begin');
  await other.query('select from stock_level where sku = $1 for update', [locked]);
  const outcomes = await Promise.all([
    writer.submitOne(adjust(locked, -1)),
    writer.submitOne(adjust(free, -1)),
  ]);
  expect(kinds(outcomes)).toEqual(['STOCK.BUSY', 'applied']);
  await other.query('rollback');
  other.release();
  await impatient.close();
});

test('what waits in vain for no level is refused, and not tried without end', async () => {
  const [one, two] = [newSku(), newSku()];
  const impatient = openTestWriter(database.connectionString, { timeoutMs: 300 });
  onTestFinished(() => impatient.close());
  await impatient.writer.submit([count(one, 5), count(two, 5)]);
  const other = await inspector.connect();
  onTestFinished(() => other.release());
  await other.query('begin; lock table outbox_message in access exclusive mode');
  const outcomes = await Promise.all([
    impatient.writer.submitOne(adjust(one, -1)),
    impatient.writer.submitOne(adjust(two, -1)),
  ]);
  expect(kinds(outcomes)).toEqual(['STOCK.BUSY', 'STOCK.BUSY']);
  await other.query('commit');
  expect(await levelRow(inspector, one)).toMatchObject({ on_hand: 5, version: 1 });
  expect(kinds([await impatient.writer.submitOne(adjust(one, -1))])).toEqual(['applied']);
});

test('what is refused together is unseen by its neighbours in the batch', async () => {
  const [a, b] = [newSku(), newSku()];
  await first.writer.submit([count(a, 5), count(b, 5)]);
  const key = keyed(`unseen-${a}`, a);
  const together = [adjust(a, -1, { key }), adjust(b, -9)];
  const outcomes = await Promise.all([
    first.writer.submit(together, true),
    first.writer.submit([adjust(a, -4), adjust(a, -1, { key })]),
  ]);
  expect(kinds(outcomes.flat())).toEqual([
    'MUTATIONS.NOT_APPLIED',
    'STOCK.INSUFFICIENT',
    'applied',
    'applied',
  ]);
  expect(await levelRow(inspector, a)).toMatchObject({ on_hand: 0, version: 3 });
});

test('a command that comes twice in one batch is applied once', async () => {
  const sku = newSku();
  const key = keyed(`twice-${sku}`, sku);
  const twice = [adjust(sku, 5, { key }), adjust(sku, 5, { key })];
  expect(kinds(await first.writer.submit(twice))).toEqual(['applied', 'replayed']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 5, version: 1 });
});

test('a preview answers as a submit would and changes nothing', async () => {
  const sku = newSku();
  await first.writer.submitOne(count(sku, 5));
  const outcomes = await first.writer.preview([adjust(sku, -4), adjust(sku, -4)]);
  expect(kinds(outcomes)).toEqual(['applied', 'STOCK.INSUFFICIENT']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 5, version: 1 });
});

test.each([
  ['the server commits all the same', 'cut'],
  ['the server rolls it back', 'terminate'],
] as const)('a connection lost in commit, and %s: applied once', async (_name, how) => {
  const proxy = await startTcpProxy(database.connectionString);
  onTestFinished(() => proxy.close());
  const writer = openTestWriter(proxy.connectionString, { timeoutMs: 20_000 });
  onTestFinished(() => writer.close());
  const sku = newSku();
  await first.writer.submitOne(count(sku, 10));
  await writer.writer.submitOne(adjust(sku, 0));

  // Hold the commit in its middle, after the level's update and before the outbox insert.
  const holder = await inspector.connect();
  onTestFinished(() => holder.release());
  await holder.query('begin; lock table outbox_message in access exclusive mode');
  // Without an idempotency key: the ledger itself must tell what happened.
  const outcome = writer.writer.submitOne(adjust(sku, -3));
  const pid = await waitFor(
    async () => {
      const { rows } = await inspector.query<{ pid: number }>(
        `select pid from pg_stat_activity where wait_event_type = 'Lock'
         and datname = current_database() and query like 'select stock_commit%'`,
      );
      return rows[0]?.pid;
    },
    { what: 'the commit waits for the outbox' },
  );
  if (how === 'cut') proxy.cutClients();
  else await inspector.query('select pg_terminate_backend($1)', [pid]);
  await waitFor(() => how === 'cut' || isGone(pid), { what: 'the backend ends' });
  await holder.query('commit');

  expect(await outcome).toMatchObject({ kind: 'applied' });
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 7, version: 3 });
});

test('two connections lost in commit: the answer is that of the attempt that counted', async () => {
  const cuts: Cut[] = [];
  const proxy = await startTcpProxy(database.connectionString, (sent) =>
    sent.includes('stock_commit') ? cuts.shift() : undefined,
  );
  onTestFinished(() => proxy.close());
  const writer = openTestWriter(proxy.connectionString, { timeoutMs: 20_000 });
  onTestFinished(() => writer.close());
  const sku = newSku();
  await first.writer.submitOne(count(sku, 10));
  await writer.writer.submitOne(adjust(sku, 0));
  // What the writer remembers is out of date by now, and it decides on it first.
  await first.writer.submitOne(adjust(sku, -1));
  cuts.push('before', 'after');
  const outcome = await writer.writer.submitOne(adjust(sku, -3));
  expect(cuts).toEqual([]);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 6, version: 4 });
  expect(outcome).toMatchObject({ kind: 'applied' });
  const { body } = outcome.kind === 'applied' ? outcome.answer : { body: '{}' };
  expect(JSON.parse(body)).toMatchObject({ onHand: 6, version: 4 });
});

async function isGone(pid: number): Promise<boolean> {
  const { rowCount } = await inspector.query('select from pg_stat_activity where pid = $1', [pid]);
  return rowCount === 0;
}

test('a key whose time is over is as good as new', async () => {
  const sku = newSku();
  const key = keyed(`old-${sku}`, sku);
  await first.writer.submitOne(adjust(sku, 5, { key }));
  first.clock.offsetMs += 25 * 3_600_000;
  onTestFinished(() => {
    first.clock.offsetMs = 0;
  });
  const again = await first.writer.submitOne(adjust(sku, 5, { key: keyed(`old-${sku}`, 'other') }));
  expect(kinds([again])).toEqual(['applied']);
  expect(await levelRow(inspector, sku)).toMatchObject({ on_hand: 10 });
});
