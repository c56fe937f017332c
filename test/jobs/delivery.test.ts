import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  getChannel,
  pauseChannel,
  republishChannel,
  resumeChannel,
} from '../../src/channels/index.ts';
import { createReservation } from '../../src/reservations/index.ts';
import { adjustStock, type Command } from '../../src/stock/index.ts';
import { provenance } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer, type Answer } from './channel-server.ts';
import { DeliveryRig } from './delivery-rig.ts';

let rig: DeliveryRig;
let server: ChannelServer;

beforeEach(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
});

afterEach(async () => {
  await rig.close();
  await server.close();
});

function allocate(sku: string, delta: number): Command {
  return adjustStock({
    level: { merchantId: 'default', sku, storeId: 'main' },
    request: { quantity: 'allocated', delta, mode: 'fact' },
    provenance,
  });
}

test('a change reaches a new channel, signed, with its figures', async () => {
  await rig.start();
  const { created, generatedSecret } = await rig.connect(server, 'web');
  expect(created).toBe(true);
  expect(generatedSecret).toMatch(/^whsec_/);
  await rig.setLevel('A', 5);
  await waitFor(() => server.accepted.length > 0, { what: 'the first message' });
  const [message] = server.messages;
  expect(server.unsigned).toBe(0);
  expect(message?.id).toMatch(/^msg_/);
  const change = { storeId: 'main', sku: 'A', available: 5, onHand: 5, version: 1 };
  const recordedAt = message?.changes[0]?.recordedAt;
  expect(JSON.parse(message?.body ?? '')).toEqual({
    type: 'stock.level.changed',
    timestamp: recordedAt,
    data: { channelId: 'web', changes: [{ ...change, recordedAt }] },
  });
  await rig.settled();
  const [delivery] = await rig.deliveries('web');
  expect(delivery).toMatchObject({ status: 'delivered', listings: 1, messageId: message?.id });
  const [attempt] = delivery?.attempts ?? [];
  expect(attempt).toMatchObject({ outcome: 'delivered', httpStatus: 204, errorCode: null });
  expect(attempt?.lagMs).toBeGreaterThanOrEqual(0);
});

test('a channel that fails one call in three ends up with what is available', async () => {
  await rig.start();
  const failures: Answer[] = [
    { status: 500 },
    'reset',
    { status: 503, headers: { 'retry-after': '0' } },
    'garbage',
  ];
  server.answer = ({ length }) => {
    const fails = length === 1 || Math.random() < 1 / 3;
    return fails ? (failures[length % 4] ?? 'reset') : { status: 200 };
  };
  await rig.connect(server, 'web', { maxAttempts: 50 });
  for (let round = 0; round < 12; round += 1) {
    const calls = server.messages.length;
    await Promise.all(Array.from({ length: 40 }, (_, sku) => rig.change(`S${sku}`, 1 + (sku % 3))));
    await waitFor(() => server.messages.length > calls, { what: 'the next call' });
  }
  await rig.settled();
  expect(server.shown).toEqual(await rig.stock());
  expect(server.wentBack).toEqual([]);
  expect(server.messages.length).toBeGreaterThan(server.accepted.length);
});

test('a burst on one SKU is sent as few newest figures', async () => {
  await rig.start();
  await rig.connect(server, 'web', { timeoutMs: 1_000 });
  await rig.setLevel('A', 0);
  await rig.settled();
  // The call with the first change gets no answer until the rest of the burst is committed.
  server.answer = () => 'hang';
  await rig.change('A', 1);
  await waitFor(() => server.messages.length === 2, { what: 'the call that hangs' });
  await Promise.all(Array.from({ length: 300 }, () => rig.change('A', 1)));
  server.answer = () => ({ status: 200 });
  await waitFor(() => server.shown['A'] === 301, { what: 'the newest figure' });
  await rig.settled();
  // The first, the one that hung, and its retry with the newest figure; never one for each change.
  expect(server.messages.length).toBeLessThan(10);
});

test('a change that comes while a call is under way follows it', async () => {
  // No sweep comes to the help.
  await rig.start({ sweepMs: 3_600_000 });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 1);
  await rig.settled();
  const jobs: (string | undefined)[] = [];
  const look = async () => {
    const listing = 'select wanted_version as version, job_id as job from listing';
    const found = await rig.inspector.query<{ version: number; job: string }>(listing);
    return found.rows[0];
  };
  server.answer = async ({ length }) => {
    if (length !== 1) return { status: 200 };
    jobs.push((await look())?.job);
    await rig.setLevel('A', 3);
    const isMarked = async (): Promise<boolean> => (await look())?.version === 3;
    await waitFor(isMarked, { what: 'the relay to see it' });
    jobs.push((await look())?.job);
    return { status: 200 };
  };
  await rig.setLevel('A', 2);
  await waitFor(() => server.shown['A'] === 3, { what: 'the change that came meanwhile' });
  await rig.settled();
  expect(server.messages.map(({ changes }) => changes[0]?.available)).toEqual([1, 2, 3]);
  // The one whose call was under way.
  expect(jobs).toEqual([expect.any(String), jobs[0]]);
});

test('a retry keeps its id, and newer figures get another', async () => {
  await rig.start();
  let failing = true;
  server.answer = () => (failing ? { status: 500 } : { status: 200 });
  await rig.connect(server, 'web', { maxAttempts: 100 });
  await rig.setLevel('A', 5);
  await waitFor(() => server.messages.length >= 3, { what: 'three attempts' });
  const first = new Set(server.messages.map(({ id }) => id));
  expect(first.size).toBe(1);
  expect(new Set(server.messages.map(({ body }) => body)).size).toBe(1);
  await rig.setLevel('A', 6);
  await waitFor(() => server.messages.at(-1)?.changes[0]?.version === 2, { what: 'version 2' });
  failing = false;
  await rig.settled();
  expect(first).not.toContain(server.messages.at(-1)?.id);
  expect(server.shown).toEqual({ A: 6 });
});

test('many changed SKUs share calls', async () => {
  await rig.start();
  await rig.connect(server, 'web', { enabled: false });
  const skus = Array.from({ length: 250 }, (_, index) => `S${index}`);
  await Promise.all(skus.map((sku) => rig.setLevel(sku, 7)));
  await rig.connect(server, 'web');
  await rig.settled();
  expect(server.shown).toEqual(await rig.stock());
  expect(server.messages).toHaveLength(3);
});

test('many small jobs are claimed together', async () => {
  await rig.start();
  await rig.connect(server, 'web');
  await pauseChannel(rig.db, 'default', 'web', 'operator');
  const count = 120;
  const jobs = async (): Promise<number> => {
    const { rows } = await rig.inspector.query<{ jobs: number }>(
      `select count(*)::integer as jobs from pgboss.job where name like 'channel.%'`,
    );
    return rows[0]?.jobs ?? 0;
  };
  for (let made = 1; made <= count; made += 1) {
    await rig.setLevel(`S${made}`, made);
    await waitFor(async () => (await jobs()) === made, { what: 'a job for each listing' });
  }
  await resumeChannel(rig.db, 'default', 'web');
  await rig.settled();
  expect(server.shown).toEqual(await rig.stock());
  // Two lanes begin with 20 each and then know how small jobs are; 20 at a time take six calls.
  expect(server.messages.length).toBeLessThan(6);
});

test('a channel gets what its SKUs and stores select', async () => {
  await rig.start();
  await rig.connect(server, 'web', { config: { skus: ['A', 'C'] } });
  await Promise.all(['A', 'B', 'C'].map((sku) => rig.setLevel(sku, 3)));
  await waitFor(() => Object.keys(server.shown).length === 2, { what: 'A and C' });
  await rig.settled();
  expect(server.shown).toEqual({ A: 3, C: 3 });
});

test('an oversold level is told as 0', async () => {
  await rig.start();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  await rig.submit(allocate('A', 4));
  await rig.setLevel('A', 1);
  await rig.settled();
  expect(server.shown).toEqual({ A: 0 });
});

test('a hold that has ended counts as free, although no sweep has passed', async () => {
  await rig.start();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 10);
  const lines = [{ storeId: 'main', sku: 'A', quantity: 4 }];
  const hold = { merchantId: 'default', orderId: null, lines, ttlSeconds: 60, actor: null };
  await rig.submit(createReservation(hold));
  await rig.settled();
  expect(server.shown).toEqual({ A: 6 });
  rig.clock.offsetMs += 61_000;
  await rig.setLevel('A', 11);
  await rig.settled();
  expect(server.shown).toEqual({ A: 11 });
});

test('a paused channel gets nothing until it is resumed, then only the newest', async () => {
  const jobs = await rig.start();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 1);
  await rig.settled();
  await pauseChannel(rig.db, 'default', 'web', 'by hand');
  await waitFor(() => jobs.circuits()['default/web'] === undefined, { what: 'the pause' });
  for (let onHand = 2; onHand <= 9; onHand += 1) await rig.setLevel('A', onHand);
  expect(server.messages).toHaveLength(1);
  const resumed = await resumeChannel(rig.db, 'default', 'web');
  expect(resumed.ok && resumed.value.status).toBe('active');
  jobs.wakeChannels();
  await rig.settled();
  expect(server.shown).toEqual({ A: 9 });
  expect(server.messages).toHaveLength(2);
});

test('a republish sends everything again as new messages', async () => {
  const jobs = await rig.start();
  await rig.connect(server, 'web');
  await Promise.all(['A', 'B'].map((sku) => rig.setLevel(sku, 4)));
  await rig.settled();
  const before = server.messages.map(({ id }) => id);
  server.figures.clear();
  await republishChannel(rig.db, 'default', 'web');
  jobs.wakeChannels();
  await waitFor(() => Object.keys(server.shown).length === 2, { what: 'A and B again' });
  await rig.settled();
  expect(server.shown).toEqual({ A: 4, B: 4 });
  for (const { id } of server.messages.slice(before.length)) expect(before).not.toContain(id);
});

test('no more calls are made than the rate limit allows', async () => {
  const jobs = await rig.start();
  await rig.connect(server, 'web', { rateLimitRps: 20 });
  for (let index = 0; index < 12; index += 1) {
    await rig.setLevel(`S${index}`, 1);
    await waitFor(() => server.shown[`S${index}`] === 1, { what: `S${index}` });
  }
  expect(jobs.isReady()).toBe(true);
  // Twelve calls, the first two at once: the rest cannot have taken less than half a second.
  const attempts = (await rig.deliveries('web')).flatMap(({ attempts: list }) => list);
  const times = attempts.map(({ startedAt }) => Date.parse(startedAt)).toSorted((a, b) => a - b);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(400);
});

test('another merchant hears nothing of it', async () => {
  await rig.inspector.query(`insert into merchant (merchant_id) values ('other')`);
  await rig.inspector.query(
    `insert into location (merchant_id, location_id) values ('other', 'main')`,
  );
  await rig.start();
  const theirs = await ChannelServer.start();
  try {
    await rig.connect(server, 'web');
    await rig.connect(theirs, 'web', { merchantId: 'other' });
    await Promise.all([rig.setLevel('A', 5), rig.setLevel('A', 9, 'other')]);
    await waitFor(() => theirs.shown['A'] === 9 && server.shown['A'] === 5, { what: 'both' });
    await rig.setLevel('B', 1);
    await rig.settled();
    expect(theirs.shown).toEqual({ A: 9 });
    expect(theirs.unsigned).toBe(0);
    expect((await getChannel(rig.db, 'other', 'web'))?.config).toEqual({ url: theirs.url });
  } finally {
    await theirs.close();
  }
});
