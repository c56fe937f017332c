import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  getChannel,
  listDeadLetters,
  redriveDeadLetters,
  resumeChannel,
} from '../../src/channels/index.ts';
import type { DeadEvent, Jobs } from '../../src/jobs/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer, type Answer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

let rig: DeliveryRig;
let server: ChannelServer;
let jobs: Jobs;
let dead: DeadEvent[];

beforeEach(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  dead = [];
  jobs = await rig.start({ events: { onDead: (event) => dead.push(event) } });
});

afterEach(async () => {
  await rig.close();
  await server.close();
});

const deadLetters = async (channelId = 'web') =>
  (await listDeadLetters(rig.db, { merchantId, channelId, limit: 100 })).items;

const bossJobs = async (state: string): Promise<{ name: string }[]> =>
  (
    await rig.inspector.query<{ name: string }>(
      `select name from pgboss.job where name like 'channel.%' and state = $1`,
      [state],
    )
  ).rows;

test('410 pauses the channel, and resuming it sends what is due', async () => {
  server.answer = () => ({ status: 410 });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  const paused = await waitFor(
    async () => {
      const channel = await getChannel(rig.db, merchantId, 'web');
      return channel?.status === 'paused' && channel;
    },
    { what: 'the pause' },
  );
  expect(paused.pauseReason).toContain('410');
  const calls = server.messages.length;
  server.answer = () => ({ status: 200 });
  await rig.setLevel('A', 6);
  await waitFor(() => jobs.circuits()['default/web'] === undefined, {
    what: 'the channel to rest',
  });
  expect(server.messages).toHaveLength(calls);
  await resumeChannel(rig.db, merchantId, 'web');
  jobs.wakeChannels();
  await rig.settled();
  expect(server.shown).toEqual({ A: 6 });
});

test.each([
  ['429 with seconds', 429, () => '3'],
  ['503 with a date', 503, () => new Date(Date.now() + 4_000).toUTCString()],
])('the channel is left alone as long as it asks: %s', async (_, status, header) => {
  server.answer = ({ length }) =>
    length === 0 ? { status, headers: { 'retry-after': header() } } : { status: 200 };
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  await waitFor(() => server.messages.length === 1, { what: 'the first call' });
  await rig.setLevel('B', 5);
  const channel = await waitFor(
    async () => {
      const view = await getChannel(rig.db, merchantId, 'web');
      return typeof view?.blockedUntil === 'string' && view;
    },
    { what: 'the block' },
  );
  await rig.settled();
  expect(server.shown).toEqual({ A: 5, B: 5 });
  const attempts = (await rig.deliveries('web')).flatMap(({ attempts: list }) => list);
  const [failed, ...rest] = attempts.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  expect(failed).toMatchObject({ outcome: 'failed', httpStatus: status });
  const blockedUntil = Date.parse(channel.blockedUntil ?? '');
  for (const { startedAt } of rest) {
    expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(blockedUntil - 50);
  }
});

test.each<[string, Answer, string]>([
  ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, 'http_302'],
  ['a server error', { status: 500, body: 'x'.repeat(100_000) }, 'http_500'],
  ['a refusal', { status: 400 }, 'http_400'],
  ['no answer', 'hang', 'timeout'],
  ['a reset', 'reset', 'connection_reset'],
  ['garbage', 'garbage', 'invalid_response'],
])('%s is a failed attempt, recorded with its code', async (_, answer, code) => {
  server.answer = ({ length }) => (length === 0 ? answer : { status: 200 });
  // Only what hangs is to take that long.
  await rig.connect(server, 'web', { timeoutMs: answer === 'hang' ? 2_000 : 30_000 });
  await rig.setLevel('A', 5);
  await waitFor(() => server.shown['A'] === 5, { what: 'the figure' });
  await rig.settled();
  expect(server.messages).toHaveLength(2);
  const [delivery] = await rig.deliveries('web');
  expect(delivery?.attempts.map((a) => [a.outcome, a.errorCode])).toEqual([
    ['failed', code],
    ['delivered', null],
  ]);
});

test('a channel that cannot be reached is tried, then a dead letter', async () => {
  await server.close();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  const [letter] = await waitFor(
    async () => {
      const letters = await deadLetters();
      return letters.length > 0 && letters;
    },
    { what: 'the dead letter' },
  );
  expect(letter?.attempts.map((attempt) => attempt.errorCode)).toEqual(
    Array.from({ length: 4 }, () => 'connection_refused'),
  );
  expect(dead).toMatchObject([{ channelId: 'web', deliveryId: letter?.deliveryId, listings: 1 }]);
  expect((await bossJobs('failed')).map(({ name }) => name)).toEqual(['channel.default.web']);
  expect((await bossJobs('created')).map(({ name }) => name)).toEqual(['channel.default.web.dead']);
  server = await ChannelServer.start();
});

test('a message that is late tells a dead letter nothing new', async () => {
  server.answer = () => ({ status: 503 });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  await waitFor(async () => (await deadLetters()).length === 1, { what: 'the dead letter' });
  const calls = server.messages.length;
  // As if the sweep had found the level before the relay read its message.
  await rig.inspector.query(
    `insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
     select merchant_id, sku, location_id, version, updated_at from stock_level`,
  );
  jobs.wakeRelay();
  await waitFor(
    async () => (await rig.inspector.query(`select from outbox_message`)).rowCount === 0,
    { what: 'the relay' },
  );
  const { rows } = await rig.inspector.query('select state from listing');
  expect(rows).toEqual([{ state: 'dead' }]);
  await rig.setLevel('A', 6);
  await waitFor(() => server.messages.length > calls, { what: 'what is new' });
});

test('dead letters of a receiver that was down are redriven and converge', async () => {
  server.answer = () => ({ status: 503 });
  await rig.connect(server, 'web');
  for (let index = 0; index < 5; index += 1) {
    await rig.setLevel(`S${index}`, index);
    await waitFor(async () => (await deadLetters()).length > index, { what: `letter ${index}` });
  }
  const ids = new Set(server.messages.map(({ id }) => id));
  const all = { merchantId, channelId: 'web' };
  expect(await redriveDeadLetters(rig.db, { ...all, dryRun: true })).toEqual({ redriven: 5 });
  expect(await redriveDeadLetters(rig.db, { merchantId: 'other' })).toEqual({ redriven: 0 });
  const [first] = await deadLetters();
  server.answer = () => ({ status: 200 });
  const one = { merchantId, ids: [first?.deliveryId ?? ''] };
  expect(await redriveDeadLetters(rig.db, one)).toEqual({ redriven: 1 });
  jobs.wakeChannels();
  await waitFor(() => Object.keys(server.shown).length === 1, { what: 'the one named' });
  expect(await redriveDeadLetters(rig.db, all)).toEqual({ redriven: 4 });
  jobs.wakeChannels();
  await rig.settled();
  await waitFor(() => Object.keys(server.shown).length === 5, { what: 'all' });
  expect(server.shown).toEqual(await rig.stock());
  expect(await deadLetters()).toEqual([]);
  expect(await bossJobs('created')).toEqual([]);
  // Unchanged figures are the same messages as before.
  for (const { id } of server.accepted) expect(ids).toContain(id);
});

test('a newer delivery makes a dead letter obsolete', async () => {
  server.answer = () => 'reset';
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  await waitFor(async () => (await deadLetters()).length === 1, { what: 'the dead letter' });
  server.answer = () => ({ status: 200 });
  await rig.setLevel('A', 6);
  await waitFor(() => server.shown['A'] === 6, { what: 'the newer figure' });
  await waitFor(async () => (await deadLetters()).length === 0, { what: 'no dead letter' });
  expect(await bossJobs('created')).toEqual([]);
  expect((await rig.deliveries('web')).map(({ status }) => status).toSorted()).toEqual([
    'delivered',
    'superseded',
  ]);
});

test('a message the channel cannot take does not keep others from it', async () => {
  server.answer = () => ({ status: 200 });
  await rig.connect(server, 'web');
  await rig.setLevel('good', 1);
  await rig.settled();
  server.refuse = (changes) => changes.some(({ sku }) => sku === 'bad');
  await rig.setLevel('bad', 1);
  await waitFor(() => server.messages.length > 1, { what: 'the bad one to be tried' });
  for (let onHand = 2; onHand < 6; onHand += 1) {
    await rig.setLevel('good', onHand);
    await waitFor(() => server.shown['good'] === onHand, { what: `good at ${onHand}` });
  }
  await waitFor(async () => (await deadLetters()).length === 1, { what: 'the dead letter' });
  expect(server.shown).toEqual({ good: 5 });
});

test('a dead channel delays no other and does not pile up jobs', async () => {
  const silent = await ChannelServer.start();
  try {
    silent.answer = () => 'hang';
    await rig.connect(silent, 'silent', { timeoutMs: 2_000 });
    await rig.connect(server, 'web');
    await rig.setLevel('A', 0);
    for (let onHand = 1; onHand <= 30; onHand += 1) {
      await rig.setLevel('A', onHand);
      await waitFor(() => server.shown['A'] === onHand, { what: `A at ${onHand}` });
    }
    const { rows } = await rig.inspector.query<{ jobs: number }>(
      `select count(*)::integer as jobs from pgboss.job
       where name = 'channel.default.silent' and state in ('created', 'retry', 'active')`,
    );
    expect(rows[0]?.jobs).toBe(1);
  } finally {
    await silent.close();
  }
});

test('a channel that is resumed at once after it was paused goes on', async () => {
  server.answer = ({ length }) => ({ status: length === 0 ? 410 : 200 });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  await waitFor(async () => (await getChannel(rig.db, merchantId, 'web'))?.status === 'paused', {
    what: 'the pause',
  });
  await resumeChannel(rig.db, merchantId, 'web');
  jobs.wakeChannels();
  await waitFor(() => server.shown['A'] === 5, { what: 'the figure' });
  await rig.settled();
  expect(server.messages).toHaveLength(2);
});

test('what a channel waited for longer than a month is recorded like anything else', async () => {
  await rig.connect(server, 'web', { enabled: false });
  await rig.setLevel('A', 5);
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, pending_since)
     values ('default', 'web', 'A', 'main', now() - interval '100 days')`,
  );
  await rig.connect(server, 'web');
  await rig.settled();
  const [delivery] = await rig.deliveries('web');
  expect(delivery?.attempts).toMatchObject([{ outcome: 'delivered', lagMs: 2_147_483_647 }]);
});
