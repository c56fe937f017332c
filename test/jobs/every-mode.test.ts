import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Jobs } from '../../src/jobs/index.ts';
import { republishChannel } from '../../src/channels/index.ts';
import { commitReservation, createReservation } from '../../src/reservations/index.ts';
import { ledgerOf } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer, type ReceivedChange } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

let rig: DeliveryRig;
let server: ChannelServer;
let jobs: Jobs;

beforeEach(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  jobs = await rig.start();
});

afterEach(async () => {
  await rig.close();
  await server.close();
});

/** Entries of a SKU in the order in which they were taken. */
const entriesOf = (sku: string): readonly ReceivedChange[] =>
  server.accepted.flatMap(({ changes }) => changes.filter((change) => change.sku === sku));

const told = (entries: readonly ReceivedChange[]): unknown[] =>
  entries.map(({ version, quantity, delta }) => [version, quantity, delta]);

test('each entry since the creation is delivered once and in order', async () => {
  await rig.setLevel('A', 5);
  await rig.settled();
  await rig.connect(server, 'log', { mode: 'every' });
  for (let delta = 1; delta <= 30; delta += 1) {
    await rig.change('A', delta);
    if (delta % 3 === 0) await rig.change('B', 1);
  }
  await waitFor(() => entriesOf('A').length >= 30 && entriesOf('B').length >= 10, { what: 'all' });
  await rig.settled();
  const ledger = await ledgerOf(rig.inspector, 'A');
  expect(told(entriesOf('A'))).toEqual(
    ledger.slice(1).map(({ version, delta }) => [version, 'onHand', delta]),
  );
  expect(entriesOf('A').map((entry) => entry.available)).toEqual(
    ledger.slice(1).map((entry) => entry.balance_after),
  );
  expect(new Set(entriesOf('A').map(({ entryId }) => entryId)).size).toBe(30);
  expect(entriesOf('A')[0]).toMatchObject({ entryId: expect.stringMatching(/^ent_\d+$/) });
  expect(told(entriesOf('B'))[0]).toEqual([1, 'onHand', 1]);
});

test('failures repeat entries and never skip or reorder them', async () => {
  server.answer = ({ length }) => (length % 3 === 1 ? { status: 500 } : { status: 200 });
  await rig.connect(server, 'log', { mode: 'every', maxAttempts: 1_000 });
  for (let round = 0; round < 10; round += 1) {
    const calls = server.messages.length;
    await Promise.all(Array.from({ length: 25 }, () => rig.change('A', 1)));
    await waitFor(() => server.messages.length > calls, { what: 'the next call' });
  }
  await waitFor(() => entriesOf('A').length >= 250, { what: 'all entries' });
  await rig.settled();
  expect(entriesOf('A').map(({ version }) => version)).toEqual(
    Array.from({ length: 250 }, (_, index) => index + 1),
  );
  expect(server.messages.every(({ changes }) => changes.length <= 100)).toBe(true);
});

test('a long backlog is delivered in whole versions, call by call', async () => {
  await rig.connect(server, 'log', { mode: 'every', enabled: false });
  await Promise.all(
    Array.from({ length: 350 }, (_, index) => rig.change(index % 2 === 0 ? 'A' : 'B', 1)),
  );
  await rig.connect(server, 'log', { mode: 'every' });
  await waitFor(() => entriesOf('A').length + entriesOf('B').length >= 350, { what: 'all' });
  await rig.settled();
  for (const sku of ['A', 'B']) {
    expect(entriesOf(sku).map(({ version }) => version)).toEqual(
      Array.from({ length: 175 }, (_, index) => index + 1),
    );
  }
});

test.each([
  // Behind four entries of A the hundredth entry of the call is the first of two of a version.
  ['at the end of a call', 4],
  // And here the hundredth entry of B is, with which a page of the ledger ends.
  ['at the end of a page', 0],
])('a version of several entries is never cut in two: %s', async (_, before) => {
  await rig.connect(server, 'log', { mode: 'every', enabled: false });
  for (let onHand = 0; onHand < before; onHand += 1) await rig.setLevel('A', onHand);
  await rig.setLevel('B', 100);
  const lines = [{ storeId: 'main', sku: 'B', quantity: 1 }];
  for (let order = 0; order < 40; order += 1) {
    const hold = { merchantId, orderId: `order-${order}`, lines, ttlSeconds: 60, actor: null };
    await rig.submit(createReservation(hold));
  }
  const { rows } = await rig.inspector.query<{ id: string }>(
    'select reservation_id as id from reservation',
  );
  for (const { id } of rows) {
    const move = { merchantId, reservationId: id, actor: null };
    await rig.submit(commitReservation(move, 'if-available'));
  }
  // The relay has passed: what the channel gets now is found together, and comes in one job.
  await rig.settled();
  await rig.connect(server, 'log', { mode: 'every' });
  await rig.settled();
  expect(entriesOf('B')).toHaveLength(121);
  const cut = server.accepted.flatMap(({ changes }) => {
    const moves = changes.filter(({ sku, version }) => sku === 'B' && version > 41);
    return [...Map.groupBy(moves, ({ version }) => version).values()].filter((m) => m.length !== 2);
  });
  expect(cut).toEqual([]);
});

test("a channel's own entries are left out and the others keep their figures", async () => {
  await rig.connect(server, 'log', { mode: 'every' });
  await rig.change('A', 10);
  await rig.settled();
  await rig.change('A', -1, 'log');
  await rig.settled();
  await rig.change('A', -2);
  await rig.settled();
  expect(entriesOf('A').map(({ version, available }) => [version, available])).toEqual([
    [1, 10],
    [3, 7],
  ]);
});

test('a republish gives the figures without an entry', async () => {
  await rig.connect(server, 'log', { mode: 'every' });
  await rig.change('A', 10);
  await rig.settled();
  await republishChannel(rig.db, merchantId, 'log');
  jobs.wakeChannels();
  await waitFor(() => server.messages.length === 2, { what: 'the republish' });
  expect(server.messages[1]?.changes).toMatchObject([{ sku: 'A', available: 10, version: 1 }]);
  expect(server.messages[1]?.changes[0]).not.toHaveProperty('entryId');
});
