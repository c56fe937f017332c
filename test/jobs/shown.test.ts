import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getChannel, pauseListing } from '../../src/channels/index.ts';
import type { Jobs } from '../../src/jobs/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

// What a channel is shown of what is available.

let rig: DeliveryRig;
let server: ChannelServer;
let jobs: Jobs;

beforeEach(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  // No periodic sweep comes to the help.
  jobs = await rig.start({
    sweepMs: 3_600_000,
    lagAlertMs: 300,
    retry: { ...quick, maxAttempts: 1_000 },
  });
});

afterEach(async () => {
  await rig.close();
  await server.close();
});

const quick = { baseMs: 20, maxMs: 100, multiplier: 2, maxAttempts: 4, deadLetters: true };

const shows = (figures: Record<string, number>): Promise<unknown> =>
  waitFor(() => isDeepStrictEqual(server.shown, figures), {
    what: JSON.stringify(figures),
  });

async function pause(sku: string, isPaused: boolean): Promise<void> {
  const listing = { merchantId, channelId: 'web', sku, storeId: 'main' };
  const result = await pauseListing(rig.db, listing, isPaused);
  if (!result.ok) throw new Error(result.refusal.code);
  jobs.wakeChannels();
}

test('a changed buffer is sent to the channel, where it changes the figure', async () => {
  await rig.connect(server, 'web', { buffer: { units: 2 } });
  await rig.setLevel('A', 10);
  await rig.setLevel('B', 1);
  await shows({ A: 8, B: 0 });
  await rig.settled();
  const before = server.messages.length;
  await rig.connect(server, 'web', { buffer: { units: 3, max: 6 } });
  await shows({ A: 6, B: 0 });
  await rig.settled();
  // B stays at 0: nothing to tell.
  const later = server.messages.slice(before).flatMap(({ changes }) => changes);
  expect(later.map(({ sku, available }) => [sku, available])).toEqual([['A', 6]]);
  await rig.connect(server, 'web');
  await shows({ A: 10, B: 1 });
  await rig.settled();
  await expectCleanAudit(rig.inspector);
});

test('a SKU that the operator pauses is shown as 0 until it is resumed', async () => {
  await rig.connect(server, 'web');
  await rig.setLevel('A', 10);
  await rig.setLevel('B', 4);
  await shows({ A: 10, B: 4 });
  await rig.settled();
  await pause('A', true);
  await shows({ A: 0, B: 4 });
  await rig.setLevel('A', 12);
  await rig.setLevel('B', 5);
  await shows({ A: 0, B: 5 });
  await pause('A', true);
  await rig.settled();
  const calls = server.messages.length;
  await pause('A', false);
  await shows({ A: 12, B: 5 });
  await rig.settled();
  expect(server.messages).toHaveLength(calls + 1);
  await expectCleanAudit(rig.inspector);
});

test('a pause that comes while the figure is on its way follows it', async () => {
  await rig.connect(server, 'web');
  await rig.setLevel('A', 10);
  await shows({ A: 10 });
  server.answer = async ({ length }) => {
    if (length === 1) await pause('A', true);
    return { status: 200 };
  };
  await rig.setLevel('A', 11);
  await shows({ A: 0 });
  await rig.settled();
  expect(server.messages.map(({ changes }) => changes[0]?.available)).toEqual([10, 11, 0]);
});

test('its own sale is told where a buffer makes its figure another', async () => {
  await rig.connect(server, 'web', { buffer: { percent: 10 } });
  await rig.setLevel('A', 20);
  await shows({ A: 18 });
  await rig.settled();
  // 18 - 1 is what it shows, and 17 of 19 is what it is to show.
  await rig.change('A', -1, 'web');
  await rig.settled();
  expect(server.messages).toHaveLength(1);
  // 16 is what it shows by itself, and 16 of 18; then 15 and 15 of 17 …
  for (let sold = 2; sold <= 10; sold += 1) await rig.change('A', -1, 'web');
  await rig.settled();
  // 8 by its own count; of 10 it is to be shown 9.
  await shows({ A: 9 });
  await expectCleanAudit(rig.inspector);
});

test('while the channel lags its buffer is wider, and afterwards as before', async () => {
  await rig.connect(server, 'web', { buffer: { units: 1, widenWhileLaggingUnits: 3 } });
  await rig.setLevel('A', 10);
  await shows({ A: 9 });
  await rig.settled();
  server.answer = () => ({ status: 500 });
  await rig.setLevel('A', 20);
  await waitFor(() => jobs.states()['default/web']?.isLagging === true, { what: 'the lag' });
  server.answer = () => ({ status: 200 });
  await shows({ A: 16 });
  await shows({ A: 19 });
  await rig.settled();
  await expectCleanAudit(rig.inspector);
});

test('a buffer is refused where every change is told', async () => {
  const connecting = rig.connect(server, 'web', { mode: 'every', buffer: { units: 1 } });
  await expect(connecting).rejects.toThrow('CHANNEL.INVALID');
});

test('how a channel does is kept where every process finds it', async () => {
  // What is given up does not wait any more.
  await rig.connect(server, 'web', { rateLimitRps: 50, maxAttempts: 100 });
  await rig.setLevel('A', 1);
  const well = await waitFor(
    async () => {
      const state = (await getChannel(rig.db, merchantId, 'web'))?.state;
      return state?.lastSuccessAt !== null && state;
    },
    { what: 'a success to be noted' },
  );
  expect(well).toMatchObject({ circuit: 'closed', queueDepth: 0, lastFailureCode: null });
  server.answer = () => ({ status: 500 });
  await rig.setLevel('A', 2);
  const ill = await waitFor(
    async () => {
      const state = (await getChannel(rig.db, merchantId, 'web'))?.state;
      // Open, or waiting for the next call to be its probe. A job that is claimed between the looks
      // at what waits and at what is claimed is in neither; the next look finds it.
      const isDown = state?.isLagging === true && state.circuit !== 'closed';
      return isDown && state.queueDepth === 1 && state;
    },
    { what: 'a failure to be noted, and the job that waits' },
  );
  expect(ill).toMatchObject({ lastFailureCode: 'http_500' });
  expect(ill?.lagMs).toBeGreaterThan(300);
});
