import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { pauseChannel, resumeChannel } from '../../src/channels/index.ts';
import { openSecretBox } from '../../src/encryption.ts';
import type { DeliveryEvents, Jobs } from '../../src/jobs/index.ts';
import { createLogger } from '../../src/logger.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId, quickRetry } from './delivery-rig.ts';

let rig: DeliveryRig;
let server: ChannelServer;

beforeEach(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
});

afterEach(async () => {
  await rig.close();
  await server.close();
});

const leaderOf = async (channelId: string): Promise<string | null> => {
  const { rows } = await rig.inspector.query<{ leader: string | null }>(
    'select leader from channel where channel_id = $1',
    [channelId],
  );
  return rows[0]?.leader ?? null;
};
const leads = (jobs: Jobs): boolean => jobs.circuits()['default/web'] !== undefined;

/** Whether each of the channel's jobs has failed and waits. */
const haveFailed = async (): Promise<boolean> => {
  const { rows } = await rig.inspector.query<{ state: string }>(
    `select state from pgboss.job where name = 'channel.default.web' and state < 'completed'`,
  );
  return rows.length > 0 && rows.every(({ state }) => state === 'retry');
};

test('a job table emptied by hand loses nothing', async () => {
  // What failed waits for a minute: nobody has it in hand when it is deleted.
  await rig.start({ retry: { ...quickRetry, baseMs: 60_000, maxMs: 60_000 } });
  let down = true;
  server.answer = () => ({ status: down ? 503 : 200 });
  await rig.connect(server, 'web', { maxAttempts: 1_000 });
  await Promise.all(['A', 'B', 'C'].map((sku) => rig.setLevel(sku, 3)));
  await waitFor(haveFailed, { what: 'the jobs to have failed' });
  await rig.inspector.query('delete from pgboss.job');
  await rig.setLevel('B', 4);
  down = false;
  await rig.settled();
  expect(server.shown).toEqual({ A: 3, B: 4, C: 3 });
});

test('listings that lag although nobody was told of it are found', async () => {
  await rig.start();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 3);
  await rig.settled();
  const hidden = await rig.inspector.connect();
  try {
    // The change is committed without its outbox message.
    await hidden.query('begin');
    await hidden.query(
      `update stock_level set on_hand = 8, version = 2, updated_at = now() - interval '1 minute'`,
    );
    await hidden.query('commit');
  } finally {
    hidden.release();
  }
  await waitFor(() => server.shown['A'] === 8, { what: 'the figure that nobody announced' });
  expect(server.figures.get('A')?.version).toBe(2);
});

test('a message that is committed late is not passed over', async () => {
  // No sweep comes to the help.
  await rig.start({ sweepMs: 3_600_000 });
  await rig.connect(server, 'web');
  await rig.setLevel('late', 1);
  await rig.settled();
  const late = await rig.inspector.connect();
  try {
    await late.query('begin');
    await late.query(
      `insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
       values ('default', 'late', 'main', 2, now())`,
    );
    await rig.setLevel('early', 1);
    await waitFor(() => server.shown['early'] === 1, { what: 'a message with a higher id' });
    await late.query(
      `update stock_level set on_hand = 2, version = 2, updated_at = now() where sku = 'late'`,
    );
    await late.query('commit');
  } finally {
    late.release();
  }
  await waitFor(() => server.shown['late'] === 2, { what: 'the late one' });
  expect(server.shown).toEqual({ late: 2, early: 1 });
});

test('with two processes one works a channel, and no figure goes back', async () => {
  const retry = { ...quickRetry, maxAttempts: 1_000 };
  const leaders = [0];
  const events: DeliveryEvents = {
    onLeading: (event) => leaders.push((leaders.at(-1) ?? 0) + (event.leads ? 1 : -1)),
  };
  const both = await Promise.all([rig.start({ retry, events }), rig.start({ retry, events })]);
  server.answer = () => {
    const dice = Math.random();
    if (dice < 0.15) return 'reset';
    return dice < 0.3 ? { status: 500 } : { status: 200 };
  };
  await rig.connect(server, 'web');
  for (let round = 0; round < 15; round += 1) {
    const calls = server.messages.length;
    // Both ask for the channel again and again.
    for (const jobs of both) jobs.wakeChannels();
    await Promise.all(Array.from({ length: 60 }, (_, i) => rig.change(`S${i % 6}`, 1)));
    await waitFor(() => server.messages.length > calls, { what: 'the next call' });
  }
  await rig.settled();
  expect(Math.max(...leaders)).toBe(1);
  expect(server.wentBack).toEqual([]);
  expect(server.shown).toEqual(await rig.stock());
});

test('when the leader is killed another goes on with what it left', async () => {
  const first = await rig.start();
  await rig.connect(server, 'web', { timeoutMs: 1_000 });
  await waitFor(() => leads(first), { what: 'the first to lead' });
  await rig.setLevel('A', 1);
  await rig.settled();
  server.answer = () => 'hang';
  await rig.setLevel('A', 2);
  await waitFor(() => server.messages.length === 2, { what: 'a call in flight' });
  const second = await rig.start();
  await rig.kill(first);
  server.answer = () => ({ status: 200 });
  await rig.setLevel('B', 7);
  // The lease runs out after 6 s; the job that was in flight goes on at once.
  await waitFor(() => leads(second), { what: 'the second to lead', timeoutMs: 15_000 });
  await rig.settled();
  expect(server.shown).toEqual({ A: 2, B: 7 });
  expect(server.wentBack).toEqual([]);
});

test('stopping lets a call end, gives the rest back, and releases the channel', async () => {
  const first = await rig.start();
  await rig.connect(server, 'web', { rateLimitRps: 1 });
  await waitFor(() => leads(first), { what: 'the first to lead' });
  await Promise.all(['A', 'B', 'C', 'D'].map((sku) => rig.setLevel(sku, 1)));
  await waitFor(() => server.messages.length > 0, { what: 'a call' });
  await rig.setLevel('E', 1);
  await rig.stop(first);
  expect(await leaderOf('web')).toBeNull();
  const { rows } = await rig.inspector.query(
    `select from pgboss.job where name = 'channel.default.web' and state = 'active'`,
  );
  expect(rows).toHaveLength(0);
  await rig.start();
  await rig.settled();
  expect(server.shown).toEqual({ A: 1, B: 1, C: 1, D: 1, E: 1 });
});

test('processes that start together agree on the schema', async () => {
  const all = await Promise.all([rig.start(), rig.start(), rig.start({ workers: false })]);
  expect(all.map((jobs) => jobs.isReady())).toEqual([true, true, true]);
});

test('a process with another encryption key leaves channels to one that has theirs', async () => {
  const secretBox = openSecretBox({ encryptionKey: '22'.repeat(32), dataDir: '/nowhere' });
  const declined: string[] = [];
  const logger = createLogger('silent');
  await rig.start({
    secretBox,
    logger: Object.assign(Object.create(logger) as typeof logger, {
      error: (data: { channelId: string }) => declined.push(data.channelId),
    }),
  });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 3);
  await waitFor(() => declined.includes('web'), { what: 'the channel to be declined' });
  expect(server.messages).toEqual([]);
  await rig.start();
  await rig.settled();
  expect(server.shown).toEqual({ A: 3 });
  const attempts = (await rig.deliveries('web')).flatMap((delivery) => delivery.attempts);
  expect(attempts.map(({ errorCode }) => errorCode)).toEqual([null]);
});

test('jobs that were claimed on a connection that broke are taken up at once', async () => {
  let lost = 0;
  // The claim reaches Postgres; who made it never hears of it.
  const proxy = await startTcpProxy(rig.database.connectionString, (sent) => {
    if (lost === 3 || !sent.includes('FOR UPDATE OF j SKIP LOCKED') || !sent.includes('channel.'))
      return undefined;
    lost += 1;
    return 'after';
  });
  onTestFinished(() => proxy.close());
  const jobs = await rig.start({ connectionString: proxy.connectionString });
  await rig.connect(server, 'web');
  // One by one: together they may come in fewer claims than are to be lost.
  for (const sku of ['A', 'B', 'C', 'D']) {
    await rig.setLevel(sku, 3);
    await rig.settled();
  }
  expect(lost).toBe(3);
  expect(server.shown).toEqual({ A: 3, B: 3, C: 3, D: 3 });
  await rig.stop(jobs);
});

test('a claim that is carried out after its connection broke is taken up as well', async () => {
  let [isHeld, isLost, isLookedFor] = [false, false, false];
  const proxy = await startTcpProxy(rig.database.connectionString, (sent) => {
    if (sent.includes('started_on <= now()') && !sent.includes('30000')) isLookedFor = isLost;
    if (!isHeld || isLookedFor || !sent.includes('channel.')) return undefined;
    if (!sent.includes('FOR UPDATE OF j SKIP LOCKED')) return undefined;
    isLost = true;
    return 'after';
  });
  onTestFinished(() => proxy.close());
  // Paused before anybody leads it: a claim that waits for the lock uncut would keep others away.
  await rig.connect(server, 'web');
  await pauseChannel(rig.db, merchantId, 'web', 'operator');
  const jobs = await rig.start({ connectionString: proxy.connectionString });
  await rig.setLevel('A', 3);
  const count = async (what: string): Promise<number> =>
    (await rig.inspector.query(`select from ${what}`)).rowCount ?? 0;
  await waitFor(async () => (await count(`pgboss.job where name like 'channel.%'`)) === 1, {
    what: 'the job',
  });
  const blocker = await rig.inspector.connect();
  try {
    await blocker.query('begin; lock table pgboss.job in share mode');
    isHeld = true;
    await resumeChannel(rig.db, merchantId, 'web');
    // What the claims may leave behind is looked for, and is not there yet.
    await waitFor(() => isLookedFor, { what: 'a look for lost claims' });
  } finally {
    blocker.release(true);
  }
  await rig.settled();
  expect(server.shown).toEqual({ A: 3 });
  await rig.stop(jobs);
});

test('attempts that a killed leader spent count for the next', async () => {
  const first = await rig.start();
  await rig.connect(server, 'web', { timeoutMs: 1_000 });
  await rig.setLevel('A', 1);
  await rig.settled();
  // Of four attempts the last is under way when the process dies.
  let calls = 0;
  server.answer = () => {
    calls += 1;
    return calls === 4 ? 'hang' : { status: 400 };
  };
  await rig.setLevel('A', 2);
  await waitFor(() => calls === 4, { what: 'the last attempt' });
  await rig.kill(first);
  await rig.start();
  const dead = async (): Promise<boolean> =>
    (await rig.deliveries('web')).some(({ status }) => status === 'dead');
  await waitFor(dead, { what: 'the dead letter' });
  expect(calls).toBe(5);
});
