import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChannelServer } from '../jobs/channel-server.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { waitFor } from '../support/wait-for.ts';

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

test('is taken for a listing that changed while the record waited for it', async () => {
  const jobId = await listed('moving');
  const other = await rig.inspector.connect();
  try {
    await other.query('begin');
    await other.query(`update listing set wanted_version = 8 where sku = 'moving'`);
    const recorded = record('moving', jobId, 7);
    await waitFor(
      async () => {
        const { rowCount } = await rig.inspector.query(
          `select from pg_stat_activity
           where wait_event_type = 'Lock' and datname = current_database()`,
        );
        return rowCount === 1;
      },
      { what: 'the record to wait for the row' },
    );
    await other.query('commit');
    expect(await recorded).toEqual({ version: 7, quantity: 70, state: 'queued' });
  } finally {
    other.release();
  }
});

test('a listing that is gone leaves the others of the call as they are', async () => {
  const jobs = await Promise.all(['left-1', 'left-2', 'left-3'].map((sku) => listed(sku)));
  await rig.inspector.query(`delete from listing where sku = 'left-2'`);
  await rig.inspector.query(
    `select * from listing_record($1, 'web', now(), $2::uuid[],
       array['left-1', 'left-2', 'left-3'], array['main', 'main', 'main'],
       array[7, 8, 9]::bigint[], array[70, 80, 90], array[70, 80, 90],
       array[null, null, null]::text[], array[false, false, false],
       array[null, null, null]::text[], array[gen_random_uuid()], array[0, 0, 0],
       array[now(), now(), now()], array[null, null, null]::integer[])`,
    [merchantId, jobs],
  );
  const { rows } = await rig.inspector.query(
    `select sku, published_version as version, state from listing
     where sku like 'left-%' order by sku`,
  );
  expect(rows).toEqual([
    { sku: 'left-1', version: 7, state: 'idle' },
    { sku: 'left-3', version: 9, state: 'idle' },
  ]);
});

type RecordedRow = { kind: string; job_id: string; sku: string | null; drift_id: string | null };

/** Writes down one call that had version 7, of which 70 are shown. */
async function recordCall(
  skus: readonly string[],
  jobs: readonly string[],
  call: {
    next: readonly string[];
    batch?: number;
    dead?: readonly (string | null)[];
    toldAt?: readonly (Date | null)[];
    unanswered?: readonly (number | null)[];
  },
): Promise<readonly RecordedRow[]> {
  const each = <T>(value: T): T[] => skus.map(() => value);
  const { next, batch = 1, dead = null, toldAt = each(new Date()), unanswered = null } = call;
  const { rows } = await rig.inspector.query<RecordedRow>(
    `select * from listing_record($1, 'web', now(), $2::uuid[], $3::text[], $4::text[],
       $5::bigint[], $6::integer[], $6::integer[], null, $7::boolean[], $8::text[],
       $9::uuid[], $10::integer[], $11::timestamptz[], $12::integer[], $13)`,
    [
      merchantId,
      jobs,
      skus,
      each('main'),
      each(7),
      each(70),
      each(false),
      dead,
      next,
      each(0),
      toldAt,
      unanswered,
      batch,
    ],
  );
  return rows;
}

test('listings of many jobs that are due again go on in few', async () => {
  const skus = ['again-1', 'again-2', 'again-3', 'again-4', 'again-5'];
  const jobs = await Promise.all(skus.map((sku) => listed(sku)));
  await rig.inspector.query(`update listing set wanted_version = 8 where sku like 'again-%'`);
  const next = skus.map(() => randomUUID());
  const rows = await recordCall(skus, jobs, { next, batch: 2 });
  const [first, second, third] = next;
  expect(rows.map(({ kind, job_id: jobId, sku }) => [kind, sku, jobId])).toEqual([
    ['more', 'again-1', first],
    ['more', 'again-2', first],
    ['more', 'again-3', second],
    ['more', 'again-4', second],
    ['more', 'again-5', third],
  ]);
  const listings = await rig.inspector.query<{ job_id: string; state: string }>(
    `select job_id, state from listing where sku like 'again-%' order by sku`,
  );
  expect(listings.rows).toEqual(rows.map(({ job_id }) => ({ job_id, state: 'queued' })));
});

test('of each listing is written what came of it, and what it leaves behind', async () => {
  const skus = ['mixed-1', 'mixed-2', 'mixed-3', 'mixed-4', 'mixed-5'];
  const jobs = await Promise.all(skus.map((sku) => listed(sku)));
  const letterJob = randomUUID();
  await rig.inspector.query(
    `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
       open_listings, created_at, updated_at)
     values ($1, 'letter-old', 'web', $2, 'dead', 2, 2, now(), now())`,
    [merchantId, letterJob],
  );
  await rig.inspector.query(
    `update listing set dead_delivery = 'letter-old' where sku in ('mixed-3', 'mixed-5')`,
  );
  await rig.inspector.query(`update listing set drift_id = 'drift-4' where sku = 'mixed-4'`);
  const rows = await recordCall(skus, jobs, {
    next: [randomUUID()],
    dead: [null, 'letter-2', null, null, 'letter-5'],
    toldAt: [new Date(), null, new Date(), new Date(), null],
    unanswered: [null, 22, null, null, 55],
  });
  expect(rows.map((row) => [row.kind, row.sku ?? row.drift_id, row.job_id])).toEqual([
    ['dead', 'mixed-2', jobs[1]],
    ['dead', 'mixed-5', jobs[4]],
    ['superseded', null, letterJob],
    ['drift', 'drift-4', null],
  ]);
  const listings = await rig.inspector.query(
    `select concat_ws(' ', sku, state, published_quantity, dead_delivery, drift_id,
       unanswered_quantity, job_id) as is from listing where sku like 'mixed-%' order by sku`,
  );
  expect(listings.rows.map((row) => String(row['is']))).toEqual([
    'mixed-1 idle 70',
    'mixed-2 dead 50 letter-2 22',
    'mixed-3 idle 70',
    'mixed-4 idle 70',
    'mixed-5 dead 50 letter-5 55',
  ]);
});
