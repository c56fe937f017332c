import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { DeliveryQueue } from '../../src/jobs/delivery-queue.ts';
import { recordVerdicts } from '../../src/jobs/record-verdicts.ts';
import { emptyDraft } from '../../src/jobs/verdict.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

const queue = {
  insert: () => Promise.resolve(),
  complete: () => Promise.resolve(),
  defer: () => Promise.resolve(),
  removeDead: () => Promise.resolve(),
} as unknown as DeliveryQueue;

test('what is due again has been waiting since its own figures were read', async () => {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  onTestFinished(async () => {
    await rig.close();
    await server.close();
  });
  await rig.connect(server, 'web');
  const jobId = randomUUID();
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, wanted_version, state, job_id)
     values ($1, 'web', 'A', 'main', 3, 'queued', $2)`,
    [merchantId, jobId],
  );
  const channel = await rig.db.selectFrom('channel').selectAll().executeTakeFirstOrThrow();
  const readAt = new Date();
  const figures = { version: 2, quantity: 5, onHand: 5, nonce: null, more: false, rules: 0 };
  const how = { pendingSince: null, deadDelivery: null, toldAt: readAt, unanswered: null };
  const settled = [{ jobId, sku: 'A', storeId: 'main', ...figures, ...how }];
  // Of a round none of whose listings is left, nothing was read.
  const verdicts = [
    { ...emptyDraft(), readAt: new Date(0) },
    { ...emptyDraft(), settled, readAt },
  ];
  await recordVerdicts(rig.handle.pool, queue, channel, verdicts, 10);
  const { rows } = await rig.inspector.query('select state, pending_since from listing');
  expect(rows).toEqual([{ state: 'queued', pending_since: readAt }]);
});
