import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobsOptions } from '../../src/jobs/index.ts';
import { Pace } from '../../src/jobs/pace.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
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

const relayed = (): Promise<unknown> =>
  waitFor(async () => (await rig.inspector.query('select from outbox_message')).rowCount === 0, {
    what: 'the relay',
  });

test.each<[string, Partial<JobsOptions>, { batchWindowMs?: number }]>([
  ['the settings’ window', { batchWindowMs: 1_500 }, {}],
  ['its own window', { batchWindowMs: 0 }, { batchWindowMs: 1_500 }],
  ['the poll interval', { pollIntervalMs: 1_500 }, {}],
])('what changes within %s goes out in one call', async (_, options, more) => {
  await rig.start(options);
  await rig.connect(server, 'web', more);
  await rig.setLevel('first', 1);
  await rig.settled();
  const from = performance.now();
  for (let sku = 0; sku < 25; sku += 1) {
    await rig.setLevel(`S${sku}`, 1);
    await relayed();
  }
  await rig.settled();
  expect(server.shown).toEqual(await rig.stock());
  // One for the first, and one for each window that the rest took on this machine.
  const windows = Math.ceil((performance.now() - from) / 1_500) + 1;
  expect(server.messages.length).toBeLessThanOrEqual(1 + windows);
});

test('a channel’s own window of 0 collects nothing', async () => {
  await rig.start({ batchWindowMs: 600_000 });
  await rig.connect(server, 'web', { batchWindowMs: 0 });
  await rig.setLevel('A', 1);
  await rig.settled();
  expect(server.shown).toEqual({ A: 1 });
});

test('a window begins with the first change and ends with the round', () => {
  const pace = new Pace();
  const settings = { windowMs: 100, intervalMs: null };
  expect(pace.waitMs(0, settings)).toBeUndefined();
  pace.wake(10, settings);
  pace.wake(60, settings);
  expect([pace.waitMs(60, settings), pace.waitMs(110, settings)]).toEqual([50, 0]);
  pace.begin(115);
  expect(pace.waitMs(200, settings)).toBeUndefined();
});

test('rounds by the clock do not follow the changes', () => {
  const pace = new Pace();
  const settings = { windowMs: 0, intervalMs: 1_000 };
  expect(pace.waitMs(0, settings)).toBe(0);
  pace.begin(0);
  pace.wake(10, settings);
  expect([pace.waitMs(400, settings), pace.waitMs(1_000, settings)]).toEqual([600, 0]);
});

/** As many jobs of ten listings. */
const jobsOf = (count: number) => Array.from({ length: count }, () => ({ listings: Array(10) }));

test('beside a busy writer a round’s listings have their time', () => {
  const pace = new Pace();
  const settings = { windowMs: 0, intervalMs: null };
  const now = performance.now();
  // Ten seconds’ worth, and a round after it that has its own behind it.
  expect(pace.rests(now, jobsOf(10_800))).toBe(true);
  expect(pace.rests(now, jobsOf(1_080))).toBe(true);
  pace.wake(now, settings);
  expect(pace.waitMs(now, settings)).toBeCloseTo(11_000, 3);
  expect(pace.waitMs(now + 11_001, settings)).toBe(0);
});

test('a round that took its listings’ time waits for nothing', () => {
  const pace = new Pace();
  const settings = { windowMs: 0, intervalMs: null };
  const begunAt = performance.now() - 1_000;
  expect(pace.rests(begunAt, jobsOf(1_000))).toBe(false);
  expect(pace.waitMs(performance.now(), settings)).toBe(0);
});

test.each([
  ['less than two seconds is made up for', 1_900, 0],
  ['more than two seconds is not', 2_100, 500],
])('of what rounds took too long %s', (_, lateMs, waitMs) => {
  const pace = new Pace();
  const settings = { windowMs: 0, intervalMs: null };
  const now = performance.now();
  // A second’s worth that took as much longer; the next has half a second’s, and takes no time.
  pace.rests(now - 1_000 - lateMs, jobsOf(1_080));
  pace.rests(now, jobsOf(540));
  expect(pace.waitMs(now, settings)).toBeCloseTo(waitMs, 3);
});
