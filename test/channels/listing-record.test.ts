import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChannelServer } from '../jobs/channel-server.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';

// What a process writes down late, after another has gone on with the channel.

let rig: DeliveryRig;
let server: ChannelServer;

beforeAll(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  await rig.connect(server, 'web');
});

afterAll(async () => {
  await rig.close();
  await server.close();
});

/** A listing that was told version 5 and is worked on by a job. */
async function listed(sku: string): Promise<string> {
  const jobId = randomUUID();
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, published_version,
       published_quantity, wanted_version, state, job_id)
     values ($1, 'web', $2, 'main', 5, 50, 5, 'queued', $3)`,
    [merchantId, sku, jobId],
  );
  return jobId;
}

/** Writes down that a job has told the channel a version, with ten times its number as figure. */
async function record(sku: string, jobId: string, version: number): Promise<unknown> {
  await rig.inspector.query(
    `select * from listing_record($1, 'web', now(), array[$2]::uuid[], array[$3], array['main'],
       array[$4]::bigint[], array[$4 * 10]::integer[], array[$4 * 10]::integer[],
       array[null]::text[], array[false], array[null]::text[], array[gen_random_uuid()],
       array[0], array[now()], array[null]::integer[])`,
    [merchantId, jobId, sku, version],
  );
  const { rows } = await rig.inspector.query<Record<string, unknown>>(
    `select published_version as version, published_quantity as quantity, state
     from listing where sku = $1`,
    [sku],
  );
  return rows[0];
}

test('never lowers the version that a channel was told', async () => {
  const jobId = await listed('lower');
  const after = await record('lower', jobId, 3);
  expect(after).toEqual({ version: 5, quantity: 50, state: 'queued' });
});

test('is not taken from a job that does not have the listing any more', async () => {
  await listed('foreign');
  const after = await record('foreign', randomUUID(), 9);
  expect(after).toEqual({ version: 5, quantity: 50, state: 'queued' });
});

test('is taken from the job that has it', async () => {
  const jobId = await listed('own');
  expect(await record('own', jobId, 9)).toEqual({ version: 9, quantity: 90, state: 'idle' });
});
