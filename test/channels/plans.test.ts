import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelServer } from '../jobs/channel-server.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';

// How many rows the database looks at for a few listings and for many, on tables that were never
// analyzed. The plan of the few is kept for the many.

const channels = ['one', 'two', 'three'];

let rig: DeliveryRig;
let server: ChannelServer;
/** One session, as a worker's. */
let session: Client;
/** Rows that plans were told of since this was emptied. */
let rows: number[] = [];

beforeAll(async () => {
  [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  for (const channel of channels) await rig.connect(server, channel);
  session = new Client({ connectionString: rig.database.connectionString });
  await session.connect();
  session.on('notice', ({ message }) => {
    const start = message?.indexOf('{') ?? -1;
    if (start >= 0) rows.push(rowsOf((JSON.parse(message?.slice(start) ?? '') as Explained).Plan));
  });
  await session.query(`load 'auto_explain'`);
  const settings = {
    log_min_duration: '0',
    log_analyze: 'on',
    log_timing: 'off',
    log_nested_statements: 'on',
    log_format: 'json',
    log_level: 'notice',
  };
  for (const [name, value] of Object.entries(settings)) {
    await session.query(`set auto_explain.${name} = '${value}'`);
  }
});

afterAll(async () => {
  await session.end();
  await rig.close();
  await server.close();
});

type Explained = { readonly Plan: PlanNode };
type PlanNode = {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly Plans?: readonly PlanNode[];
};

/** Rows that all steps of a plan gave or threw away. */
function rowsOf(node: PlanNode): number {
  const removed =
    (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0);
  const own = (node['Actual Rows'] + removed) * node['Actual Loops'];
  return (node.Plans ?? []).reduce((sum, child) => sum + rowsOf(child), own);
}

/** What a statement returns, and how many rows were looked at for it. */
async function look<Row>(text: string, values: readonly unknown[]) {
  rows = [];
  const result = await session.query(text, [...values]);
  expect(rows.length).toBeGreaterThan(0);
  return { rows: result.rows as Row[], looks: rows.reduce((sum, count) => sum + count, 0) };
}

type Job = { channel_id: string; job_id: string; sku: string; location_id: string };

/** Marks so many levels, and then reads and records what the second channel is told of them. */
async function deliver(count: number, version: number): Promise<Looks> {
  const skus = Array.from({ length: count }, (_, n) => `SKU-${n + 1}`).toSorted();
  const each = (value: unknown): unknown[] => skus.map(() => value);
  const marked = await look<Job>(
    `select * from listing_mark($1::text[], $2::text[], $3::text[], $4::bigint[],
       $5::timestamptz[], '{"webhook": 100}')`,
    [each(merchantId), skus, each('main'), each(version), each(new Date())],
  );
  const jobs = marked.rows.filter((job) => job.channel_id === 'two');
  expect(jobs).toHaveLength(count);
  expect(new Set(jobs.map((job) => job.job_id)).size).toBe(Math.ceil(count / 100));
  const keys = [
    jobs.map((job) => job.job_id),
    jobs.map((job) => job.sku),
    jobs.map((job) => job.location_id),
  ];
  const read = await look(
    `select * from delivery_read($1, 'two', $2::uuid[], $3::text[], $4::text[], 0)`,
    [merchantId, ...keys],
  );
  // With one for the read itself.
  expect(read.rows).toHaveLength(count + 1);
  const recorded = await look(
    `select * from listing_record($1, 'two', now(), $2::uuid[], $3::text[], $4::text[],
       $5::bigint[], $6::integer[], $6::integer[], $7::text[], $8::boolean[], $7::text[],
       $9::uuid[], $6::integer[], $10::timestamptz[], $7::integer[])`,
    [merchantId, ...keys, each(version), each(0), each(null), each(false)].concat([
      skus.map(() => randomUUID()),
      each(new Date()),
    ]),
  );
  return { mark: marked.looks, read: read.looks, record: recorded.looks };
}

type Looks = { readonly mark: number; readonly read: number; readonly record: number };

function grown(before: Looks, after: Looks): number[] {
  return [after.mark / before.mark, after.read / before.read, after.record / before.record];
}

test('ten times as many listings cost about ten times as much', async () => {
  const few = await deliver(100, 1);
  await session.query('truncate listing');
  const many = await deliver(1_000, 2);
  const growth = grown(few, many);
  expect(Math.min(...growth)).toBeGreaterThan(5);
  expect(Math.max(...growth)).toBeLessThan(15);
});

test('a few listings cost the same when there are many others', async () => {
  await session.query('truncate listing');
  await deliver(20, 1);
  const alone = await deliver(20, 2);
  await deliver(2_000, 3);
  const among = await deliver(20, 4);
  expect(Math.max(...grown(alone, among))).toBeLessThan(1.5);
});

test('the ledger is looked into only where some channel changed the level', async () => {
  await session.query('truncate listing');
  await session.query(
    `insert into stock_level (merchant_id, sku, location_id, version, updated_at)
     values ($1, 'SKU-1', 'main', 60, now())`,
    [merchantId],
  );
  await session.query(
    `insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
       balance_after, command_id, occurred_at, recorded_at)
     select $1, 'SKU-1', 'main', version, 'on_hand', 1, version, gen_random_uuid(), now(), now()
     from generate_series(1, 60) as version`,
    [merchantId],
  );
  await deliver(1, 10);
  const without = await deliver(1, 20);
  await session.query(`update stock_level set channel_version = 60 where sku = 'SKU-1'`);
  const among = await deliver(1, 30);
  expect(without.read).toBeLessThan(20);
  expect(among.read).toBeGreaterThan(40);
  await session.query('delete from stock_level');
});

/** Looks at a page of the levels of channel `one`, planned as if for any page. */
async function sweep(after: string | null, limit: number) {
  await session.query(`set plan_cache_mode = 'force_generic_plan'`);
  return await look<Job>(
    `select * from listing_sweep($1, 'one', $2, $3, $4, null, '{}', 0, 100, true)`,
    [merchantId, after, after === null ? null : 'main', limit],
  );
}

describe('a sweep', () => {
  const skus = Array.from({ length: 3_000 }, (_, n) => `SKU-${String(n).padStart(4, '0')}`);
  beforeAll(async () => {
    await session.query('truncate listing');
    await session.query(
      `insert into stock_level (merchant_id, sku, location_id, version, updated_at)
       select $1, unnest($2::text[]), 'main', 1, now()`,
      [merchantId, skus],
    );
  });

  test('costs the same for any page', async () => {
    const first = await sweep(null, 100);
    const last = await sweep(skus[2_799] ?? '', 100);
    // A job for each listing that the channel was not told of, and the page's end.
    expect([first.rows.length, last.rows.length]).toEqual([101, 101]);
    expect(last.looks / first.looks).toBeLessThan(1.5);
  });

  test('costs about ten times as much for a page ten times as large', async () => {
    await session.query(
      `insert into listing (merchant_id, channel_id, sku, location_id, published_version,
         wanted_version, state)
       select merchant_id, 'one', sku, location_id, version, version, 'idle' from stock_level
       on conflict (merchant_id, channel_id, sku, location_id) do update
         set published_version = 1, state = 'idle', job_id = null, pending_since = null`,
    );
    const [few, many] = [await sweep(null, 100), await sweep(null, 1_000)];
    // All were told: there is nothing but the page's end.
    expect([few.rows.length, many.rows.length]).toEqual([1, 1]);
    expect(many.looks / few.looks).toBeLessThan(15);
  });
});
