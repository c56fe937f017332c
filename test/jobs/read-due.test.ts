import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { continueBackfill, newDeliveryJob, type ChannelRow } from '../../src/channels/index.ts';
import { readDue } from '../../src/jobs/read-due.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

test('with a channel that has moved, what was read before it had is not worked', async () => {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  onTestFinished(async () => {
    await rig.close();
    await server.close();
  });
  const load = (): Promise<ChannelRow> =>
    rig.db.selectFrom('channel').selectAll().executeTakeFirstOrThrow();
  await rig.start({ workers: false });
  await rig.connect(server, 'web');
  await rig.setLevel('A', 5);
  const jobId = randomUUID();
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, wanted_version,
       published_version, published_quantity, state, job_id)
     values ($1, 'web', 'A', 'main', 2, 1, 1, 'queued', $2)`,
    [merchantId, jobId],
  );
  const channel = await load();
  const job = newDeliveryJob(
    { merchantId, channelId: 'web', queue: channel.queue },
    [['A', 'main']],
    jobId,
  );
  await rig.connect(server, 'web', { config: { url: `${server.url}/elsewhere` } });
  const read = await readDue({
    context: { rounds: rig.handle, clock: rig.clock },
    channel,
    jobs: [{ ...job, retryCount: 0, claimedAt: 0 }],
    reload: async () => {
      // The run that marks the listings as moved comes to its end meanwhile.
      const options = { working: [jobId], maxBatch: 10, isLagging: false };
      await rig.db.transaction().execute((tx) => continueBackfill(tx, channel, options));
      return await load();
    },
  });
  expect(read?.channel.backfill).toBeNull();
  expect(read?.due[0]?.nonce ?? '').toMatch(/^moved-/);
});
