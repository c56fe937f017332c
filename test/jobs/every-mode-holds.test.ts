import { afterEach, beforeEach, expect, test } from 'vitest';
import { republishChannel } from '../../src/channels/index.ts';
import type { Jobs } from '../../src/jobs/index.ts';
import { createReservation } from '../../src/reservations/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
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

test('a hold that has ended is told as free once, also after a republish', async () => {
  await rig.connect(server, 'log', { mode: 'every' });
  await rig.setLevel('A', 10);
  const lines = [{ storeId: 'main', sku: 'A', quantity: 3 }];
  await rig.submit(
    createReservation({ merchantId, orderId: 'o', lines, ttlSeconds: 60, actor: null }),
  );
  await rig.settled();
  expect(server.shown).toEqual({ A: 7 });
  // The hold ends, and the sweep has not passed yet.
  rig.clock.offsetMs += 120_000;
  await republishChannel(rig.db, merchantId, 'log');
  jobs.wakeChannels();
  await waitFor(() => server.shown['A'] === 10, { what: 'the republish' });
  await rig.settled();
  await rig.sweep();
  await rig.settled();
  await rig.change('A', 1);
  await rig.settled();
  const told = server.accepted.flatMap(({ changes }) => changes);
  expect(told.map(({ version, available }) => [version, available])).toEqual([
    [1, 10],
    [2, 7],
    [2, 10],
    [3, 10],
    [4, 11],
  ]);
});
