import type { PgBoss } from 'pg-boss';
import { expect, onTestFinished, test } from 'vitest';
import { deleteChannel } from '../../src/channels/index.ts';
import { DeliveryQueue } from '../../src/jobs/delivery-queue.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId, quickRetry } from './delivery-rig.ts';

test('a channel that is made again after its queue was tidied away is told at once', async () => {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  onTestFinished(async () => {
    await rig.close();
    await server.close();
  });
  await rig.start();
  await rig.connect(server, 'web');
  await rig.setLevel('A', 1);
  await rig.settled();
  await deleteChannel(rig.db, merchantId, 'web');
  for (const name of ['channel.default.web', 'channel.default.web.dead']) {
    await rig.inspector.query('select pgboss.delete_queue($1)', [name]);
  }
  await rig.connect(server, 'web');
  await rig.setLevel('A', 2);
  await waitFor(() => server.shown['A'] === 2, { what: 'the figure' });
});

test('a queue that is made while others are tidied stays', async () => {
  const queues = ['channel.default.old', 'channel.default.old.dead'];
  const deleted: string[] = [];
  const boss = {
    getQueues: () => Promise.resolve(queues.map((name) => ({ name }))),
    deleteQueue: (name: string) => Promise.resolve(deleted.push(name)),
  };
  const queue = new DeliveryQueue(boss as unknown as PgBoss, quickRetry);
  const channels: string[] = [];
  // Its queue is there before anybody can ask for it, and its channel before its queue.
  boss.getQueues = () => {
    channels.push('channel.default.new');
    return Promise.resolve([...queues, ...channels].map((name) => ({ name })));
  };
  await queue.deleteAbandoned(() => Promise.resolve([...channels]));
  expect(deleted).toEqual(queues);
});
