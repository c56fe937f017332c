import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepListings, type ChannelRow } from '../../src/channels/index.ts';
import { waitListings, type WaitingListing } from '../../src/channels/wait-listings.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { ChannelServer } from '../jobs/channel-server.ts';
import { waitFor } from '../support/wait-for.ts';

// What becomes of listings that may not be told now, when something happens to them meanwhile.

let rig: DeliveryRig;
let server: ChannelServer;
let channel: ChannelRow;
const until = new Date(Date.now() + 3_600_000);

beforeAll(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  await rig.connect(server, 'web');
  channel = await rig.db.selectFrom('channel').selectAll().executeTakeFirstOrThrow();
});

afterAll(async () => {
  await rig.close();
  await server.close();
});

/** A listing that is to be told version 5, by a job. */
async function listed(sku: string): Promise<WaitingListing> {
  const jobId = randomUUID();
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, published_version,
       published_quantity, wanted_version, state, job_id)
     values ($1, 'web', $2, 'main', 4, 40, 5, 'queued', $3)`,
    [merchantId, sku, jobId],
  );
  return { jobId, sku, storeId: 'main', version: 5, nonce: null, rules: 0, until };
}

async function wait(...waiting: WaitingListing[]): Promise<readonly string[]> {
  const jobs = await rig.db.transaction().execute((tx) => waitListings(tx, channel, waiting));
  return jobs.flatMap(({ listings }) => listings.map(([sku]) => sku));
}

async function stateOf(sku: string): Promise<unknown> {
  const { rows } = await rig.inspector.query<{ state: string; is_free: boolean; due: Date | null }>(
    `select l.state, l.job_id is null as is_free, r.due_at as due
     from listing l left join listing_request r using (merchant_id, channel_id, sku, location_id)
     where l.sku = $1`,
    [sku],
  );
  const { state, is_free: isFree, due } = rows[0] ?? {};
  return { state, isFree, due };
}

test('waits without a job until its time', async () => {
  const one = await listed('waits');
  expect(await wait(one)).toEqual([]);
  expect(await stateOf('waits')).toEqual({ state: 'waiting', isFree: true, due: until });
});

test('what changed since its figures were read is looked at again at once', async () => {
  const all = [await listed('newer'), await listed('asked'), await listed('ruled')];
  await rig.inspector.query(`update listing set wanted_version = 6 where sku = 'newer'`);
  await rig.inspector.query(`update listing set force_nonce = 'again' where sku = 'asked'`);
  await rig.inspector.query(`update listing set rules_version = 1 where sku = 'ruled'`);
  expect((await wait(...all)).toSorted()).toEqual(['asked', 'newer', 'ruled']);
  for (const { sku } of all) {
    expect(await stateOf(sku)).toEqual({ state: 'queued', isFree: false, due: null });
  }
});

test('what belongs to another job by now is left alone', async () => {
  const one = await listed('foreign');
  expect(await wait({ ...one, jobId: randomUUID() })).toEqual([]);
  expect(await stateOf('foreign')).toEqual({ state: 'queued', isFree: false, due: null });
});

test('a listing that waits and was asked for earlier keeps the earlier time', async () => {
  const one = await listed('earlier');
  await rig.inspector.query(
    `insert into listing_request (merchant_id, channel_id, sku, location_id)
     values ($1, 'web', 'earlier', 'main')`,
    [merchantId],
  );
  await wait(one);
  expect(await stateOf('earlier')).toMatchObject({ state: 'waiting', due: -Infinity });
});

async function swept(): Promise<readonly string[]> {
  const { jobs } = await rig.db.transaction().execute((tx) =>
    sweepListings(tx, channel, {
      after: undefined,
      nonce: null,
      graceMs: -60_000,
      working: [],
      maxBatch: 10,
      pageSize: 100,
      isLagging: false,
    }),
  );
  return jobs.flatMap(({ listings }) => listings.map(([sku]) => sku));
}

test('the sweep leaves alone what waits for a time', async () => {
  await rig.setLevel('calm', 7);
  await wait(await listed('calm'));
  expect(await swept()).not.toContain('calm');
  await rig.inspector.query(`delete from listing_request where sku = 'calm'`);
  expect(await swept()).toContain('calm');
});

test('one that waits for nothing is found by the sweep', async () => {
  await rig.setLevel('lost', 7);
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, wanted_version, state)
     values ($1, 'web', 'lost', 'main', 1, 'waiting')`,
    [merchantId],
  );
  await rig.inspector.query('delete from outbox_message');
  await rig.start();
  await waitFor(
    async () => {
      const { rows } = await rig.inspector.query<{ state: string; quantity: number }>(
        `select state, published_quantity as quantity from listing where sku = 'lost'`,
      );
      return rows[0]?.state === 'idle' && rows[0].quantity === 7;
    },
    { what: 'the lost listing' },
  );
});
